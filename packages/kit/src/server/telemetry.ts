import { status } from '@grpc/grpc-js';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api';
import { codeName } from '../errors/rpc-error.ts';
import type { CallDurations } from '../telemetry/call-durations.ts';
import { parseTraceparent, type Trace } from '../telemetry/trace.ts';
import type { Method } from './call.ts';
import type { Interceptor } from './steps.ts';

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
  callDurations,
  tracer,
  sampleRatio,
}: {
  callDurations: Pick<CallDurations, 'record'>;
  tracer: Tracer;
  sampleRatio: number;
}): Interceptor {
  return async (call, next) => {
    const started = performance.now();
    const header = call.surface.metadata.get('traceparent')[0];
    const parent = typeof header === 'string' ? parseTraceparent(header) : undefined;
    call.trace = parent;
    const sampled = sampleRatio > 0 && (parent ? parent.sampled : Math.random() < sampleRatio);
    const span = sampled ? startSpan(tracer, call.method, parent) : undefined;
    if (span) call.trace = { ...span.spanContext(), sampled: true };

    await next(call);

    callDurations.record(call.method.name, call.code, (performance.now() - started) / 1000);
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
