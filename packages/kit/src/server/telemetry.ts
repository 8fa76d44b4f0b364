import { status } from '@grpc/grpc-js';
import {
  type Attributes,
  type Meter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { codeName } from '../errors/rpc-error.ts';
import { parseTraceparent, type Trace } from '../telemetry/trace.ts';
import type { Method } from './call.ts';
import type { Interceptor } from './steps.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

// What a server is to blame for; other codes are the caller's business and leave the span unset.
const FAULTS = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/**
 * The outermost step: measures each call by method and code, and traces the sampled ones. The decision is the caller's
 * when it sent a `traceparent`, else `sampleRatio` decides; a call that is not sampled makes no span.
 */
export function createTelemetry({
  meter,
  tracer,
  sampleRatio,
}: {
  meter: Meter;
  tracer: Tracer;
  sampleRatio: number;
}): Interceptor {
  const duration = meter.createHistogram('rpc.server.call.duration', {
    unit: 's',
    description: 'Duration of calls by method and code',
    advice: { explicitBucketBoundaries: SECONDS },
  });
  const attributes = createAttributes();

  return async (call, next) => {
    const started = performance.now();
    const header = call.metadata.get('traceparent')[0];
    const parent = typeof header === 'string' ? parseTraceparent(header) : undefined;
    call.trace = parent;
    const sampled = sampleRatio > 0 && (parent ? parent.sampled : Math.random() < sampleRatio);
    const span = sampled ? startSpan(tracer, call.method, parent) : undefined;
    if (span) call.trace = { ...span.spanContext(), sampled: true };

    await next(call);

    duration.record((performance.now() - started) / 1000, attributes(call.method, call.code));
    if (span) {
      span.setAttribute('rpc.response.status_code', codeName(call.code));
      if (FAULTS.has(call.code)) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
  };
}

function startSpan(tracer: Tracer, method: Method, parent: Trace | undefined) {
  const context = parent
    ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true })
    : ROOT_CONTEXT;
  const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': method.name };
  return tracer.startSpan(method.name, { kind: SpanKind.SERVER, attributes }, context);
}

function createAttributes(): (method: Method, code: status) => Attributes {
  const made = new Map<Method, Attributes[]>();
  return (method, code) => {
    let byCode = made.get(method);
    if (!byCode) {
      byCode = [];
      made.set(method, byCode);
    }
    byCode[code] ??= { 'rpc.method': method.name, 'rpc.response.status_code': codeName(code) };
    return byCode[code];
  };
}
