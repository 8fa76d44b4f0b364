import { invalidArgument } from '@realmkeep/kit/errors/common';
import {
  RecordEventRequest_Ack as Ack,
  type RecordEventRequest,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { eventRefused } from './errors.ts';
import type { Event } from './event.ts';
import { recordValid } from './event-batch.ts';
import type { EventQueue } from './event-queue/queue.ts';
import { type Acknowledged, outcomeOfTime } from './outcome.ts';
import type { Presence } from './presence.ts';
import type { Recorder } from './recorder.ts';
import type { Repository, TimeLimits } from './repository.ts';

export type Service = ReturnType<typeof createService>;

/** How events are recorded and presences renewed, in order. */
export function createService({
  repository,
  recorder,
  queue,
  limits,
}: {
  repository: Pick<Repository, 'renewPresences'>;
  recorder: Pick<Recorder, 'record'>;
  queue: Pick<EventQueue, 'append'>;
  limits: TimeLimits & { leaseSeconds: number };
}) {
  /** Queues events; those whose time is far out are told so at once, by this process's clock. */
  async function queueAll(events: Event[]): Promise<Acknowledged[]> {
    const now = Date.now();
    const refusals = events.map(({ eventTime }) => outcomeOfTime(eventTime, now, limits));
    await queue.append(events.filter((_, index) => !refusals[index]));
    return refusals.map((refusal) => refusal ?? { result: 'QUEUED' });
  }

  async function acknowledgeAll(requests: RecordEventRequest[], ack = Ack.COMMITTED): Promise<Acknowledged[]> {
    const queues = requests.map((request) => (request.ack || ack) === Ack.QUEUED);
    const [queued, recorded] = await Promise.all([
      recordValid(
        requests.filter((_, index) => queues[index]),
        queueAll,
      ),
      recordValid(
        requests.filter((_, index) => !queues[index]),
        recorder.record,
      ),
    ]);
    const [nextQueued, nextRecorded] = [queued.values(), recorded.values()];
    return queues.map((isQueued) => (isQueued ? nextQueued : nextRecorded).next().value!);
  }

  return {
    /** Records or queues one event: RECORDED, DUPLICATE or QUEUED. Throws INVALID_ARGUMENT when it is refused. */
    async recordEvent(request: RecordEventRequest): Promise<Acknowledged> {
      const [outcome] = await acknowledgeAll([request]);
      if (outcome!.result !== 'REFUSED') return outcome!;
      const { reason, violations } = outcome!;
      throw reason === 'INVALID_EVENT' ? invalidArgument(violations) : eventRefused(reason, violations);
    },

    /**
     * Records the events that break no rule, in one transaction, and queues those that are to be acknowledged so: an
     * outcome for each event, in the order given.
     *
     * @param ack of the events that do not say
     */
    recordEvents: acknowledgeAll,

    /** Renews the leases of presences; answers those that are not there. */
    async renewPresences(presences: Presence[]): Promise<Presence[]> {
      const renewed = await repository.renewPresences(presences, limits.leaseSeconds);
      return presences.filter((_, index) => !renewed[index]);
    },
  };
}
