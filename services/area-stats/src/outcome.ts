import type { FieldViolation } from '@realmkeep/kit/errors/common';
import type { TimeLimits } from './repository.ts';

/** Why the time of an event is refused. */
export type TimeRefusal = 'EVENT_TOO_OLD' | 'EVENT_IN_FUTURE';

/** Why an event was not recorded. */
export type Refused = { result: 'REFUSED'; reason: 'INVALID_EVENT' | TimeRefusal; violations: FieldViolation[] };

/** What became of an event. */
export type Outcome = { result: 'RECORDED' | 'DUPLICATE' } | Refused;

/** An event of the queue that the database refuses, whatever it is recorded with. */
export type NotRecordable = { result: 'REFUSED'; reason: 'NOT_RECORDABLE'; violations: FieldViolation[] };

/** How an event is acknowledged: with what became of it, or once it is queued. */
export type Acknowledged = Outcome | { result: 'QUEUED' };

/** The outcome that the database's function record_events answers as a number. */
export function outcomeOf(code: number | undefined, limits: TimeLimits): Outcome {
  switch (code) {
    case 1:
      return { result: 'RECORDED' };
    case 2:
      return { result: 'DUPLICATE' };
    case 3:
      return tooOld(limits);
    case 4:
      return inFuture(limits);
    default:
      throw new Error(`record_events answered ${code}`);
  }
}

/** The outcome of an event whose time is too far from `now`, in epoch milliseconds; undefined when it is not. */
export function outcomeOfTime(eventTime: string | null, now: number, limits: TimeLimits): Refused | undefined {
  const ahead = eventTime === null ? 0 : (Date.parse(eventTime) - now) / 1_000;
  if (ahead < -limits.maxLatenessSeconds) return tooOld(limits);
  if (ahead > limits.maxSkewSeconds) return inFuture(limits);
  return undefined;
}

/** The outcome of an event that breaks rules by itself. */
export function invalidEvent(violations: FieldViolation[]): Refused {
  return { result: 'REFUSED', reason: 'INVALID_EVENT', violations };
}

/** The outcome of an event that the database refuses with that fault. */
export function notRecordable(fault: unknown): NotRecordable {
  const description = fault instanceof Error ? fault.message : String(fault);
  return { result: 'REFUSED', reason: 'NOT_RECORDABLE', violations: [{ field: 'event', description }] };
}

function tooOld({ maxLatenessSeconds }: TimeLimits) {
  return timeRefused('EVENT_TOO_OLD', `must not be more than ${maxLatenessSeconds} seconds in the past`);
}

function inFuture({ maxSkewSeconds }: TimeLimits) {
  return timeRefused('EVENT_IN_FUTURE', `must not be more than ${maxSkewSeconds} seconds in the future`);
}

function timeRefused(reason: TimeRefusal, description: string): Refused {
  return { result: 'REFUSED', reason, violations: [{ field: 'epoch_timestamp', description }] };
}
