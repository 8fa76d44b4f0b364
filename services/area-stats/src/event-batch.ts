import type { RecordEventRequest } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { type Event, eventOf } from './event.ts';
import { invalidEvent, type Refused } from './outcome.ts';

/**
 * Judges each event by itself and has those recorded (or queued) that fit the contract: an outcome for each, in the order given.
 *
 * @param record answers an outcome for each event, in the order given
 */
export async function recordValid<O>(
  requests: RecordEventRequest[],
  record: (events: Event[]) => Promise<O[]>,
): Promise<(O | Refused)[]> {
  const judged = requests.map(eventOf);
  const outcomes = (await record(judged.flatMap(({ event }) => event ?? []))).values();
  return judged.map(({ violations }) => (violations ? invalidEvent(violations) : outcomes.next().value!));
}
