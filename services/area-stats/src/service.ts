import { invalidArgument } from '@realmkeep/kit/errors/common';
import type { RecordEventRequest } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { eventRefused } from './errors.ts';
import { eventOf } from './event.ts';
import { invalidEvent, type Outcome } from './outcome.ts';
import type { Recorder } from './recorder.ts';

export type Service = ReturnType<typeof createService>;

/** How events are recorded, in order. */
export function createService({ recorder }: { recorder: Pick<Recorder, 'record'> }) {
  async function recordAll(requests: RecordEventRequest[]): Promise<Outcome[]> {
    const judged = requests.map(eventOf);
    const outcomes = (await recorder.record(judged.flatMap(({ event }) => event ?? []))).values();
    return judged.map(({ violations }) => (violations ? invalidEvent(violations) : outcomes.next().value!));
  }

  return {
    /** Records one event: RECORDED or DUPLICATE. Throws INVALID_ARGUMENT when it is refused. */
    async recordEvent(request: RecordEventRequest): Promise<Outcome> {
      const [outcome] = await recordAll([request]);
      if (outcome!.result !== 'REFUSED') return outcome!;
      const { reason, violations } = outcome!;
      throw reason === 'INVALID_EVENT' ? invalidArgument(violations) : eventRefused(reason, violations);
    },

    /** Records the events that break no rule, in one transaction: an outcome for each event, in the order given. */
    recordEvents: recordAll,
  };
}
