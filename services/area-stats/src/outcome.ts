import type { FieldViolation } from '@realmkeep/kit/errors/common';
import type { TimeLimits } from './repository.ts';

/** Why the time of an event is refused. */
export type TimeRefusal = 'EVENT_TOO_OLD' | 'EVENT_IN_FUTURE';

/** Why an event was not recorded. */
export type Refused = { result: 'REFUSED'; reason: 'INVALID_EVENT' | TimeRefusal; violations: FieldViolation[] };

/** What became of an event. */
export type Outcome = { result: 'RECORDED' | 'DUPLICATE' } | Refused;

/** The outcome that the database's function record_events answers as a number. */
export function outcomeOf(code: number | undefined, { maxLatenessSeconds, maxSkewSeconds }: TimeLimits): Outcome {
  switch (code) {
    case 1:
      return { result: 'RECORDED' };
    case 2:
      return { result: 'DUPLICATE' };
    case 3:
      return timeRefused('EVENT_TOO_OLD', `must not be more than ${maxLatenessSeconds} seconds in the past`);
    case 4:
      return timeRefused('EVENT_IN_FUTURE', `must not be more than ${maxSkewSeconds} seconds in the future`);
    default:
      throw new Error(`record_events answered ${code}`);
  }
}

/** The outcome of an event that breaks rules by itself. */
export function invalidEvent(violations: FieldViolation[]): Outcome {
  return { result: 'REFUSED', reason: 'INVALID_EVENT', violations };
}

function timeRefused(reason: TimeRefusal, description: string): Outcome {
  return { result: 'REFUSED', reason, violations: [{ field: 'epoch_timestamp', description }] };
}
