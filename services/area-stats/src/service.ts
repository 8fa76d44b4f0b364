import { invalidArgument } from '@realmkeep/kit/errors/common';
import type { RecordEventRequest } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { eventRefused } from './errors.ts';
import { recordValid } from './event-batch.ts';
import type { Outcome } from './outcome.ts';
import type { Presence } from './presence.ts';
import type { Recorder } from './recorder.ts';
import type { Repository } from './repository.ts';

export type Service = ReturnType<typeof createService>;

/** How events are recorded and presences renewed, in order. */
export function createService({
  repository,
  recorder,
  leaseSeconds,
}: {
  repository: Pick<Repository, 'renewPresences'>;
  recorder: Pick<Recorder, 'record'>;
  /** How long a renewed presence counts. */
  leaseSeconds: number;
}) {
  const recordAll = (requests: RecordEventRequest[]) => recordValid(requests, recorder.record);

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

    /** Renews the leases of presences; answers those that are not there. */
    async renewPresences(presences: Presence[]): Promise<Presence[]> {
      const renewed = await repository.renewPresences(presences, leaseSeconds);
      return presences.filter((_, index) => !renewed[index]);
    },
  };
}
