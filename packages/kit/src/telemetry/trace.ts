import { randomBytes } from 'node:crypto';

/** The place of a call in a distributed trace (W3C trace context). */
export type Trace = { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** Reads a `traceparent` header; undefined when it is none. */
export function parseTraceparent(header: string): Trace | undefined {
  const [, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00'] = TRACEPARENT.exec(header) ?? [];
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` header. Without a trace, one that is not sampled begins, so that nobody downstream samples. */
export function formatTraceparent(trace: Trace | undefined): string {
  if (!trace) return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? '01' : '00'}`;
}
