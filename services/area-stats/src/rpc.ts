import { implement } from '@realmkeep/kit/server/implementation';
import { AreaStatsService, Outcome_Result } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { Outcome } from './outcome.ts';
import type { Reading } from './service/reading.ts';
import type { Service } from './service.ts';

/** The RPCs of area-stats: messages in, messages or their bytes out. */
export function createRpc({
  service,
  reading,
  now = Date.now,
}: {
  service: Service;
  reading: Reading;
  now?: () => number;
}) {
  return implement(AreaStatsService, {
    async getAreaStats({ areaCode }, context) {
      const { bytes, asOf, source, remainingMs } = await reading.areaStats(areaCode);
      // Of use over REST: caches and browsers ask again once there can be something new.
      context.header('cache-control', `max-age=${Math.floor(remainingMs / 1_000)}`);
      context.header('realmkeep-source', source);
      context.header('realmkeep-age-ms', String(Math.max(0, now() - asOf)));
      return bytes;
    },

    async recordEvent(request) {
      return {
        $typeName: 'realmkeep.area_stats.v1.RecordEventResponse',
        outcome: outcomeMessage(request.eventId, await service.recordEvent(request)),
      };
    },

    async recordEvents({ events }) {
      const outcomes = await service.recordEvents(events);
      return {
        $typeName: 'realmkeep.area_stats.v1.RecordEventsResponse',
        outcomes: outcomes.map((outcome, index) => outcomeMessage(events[index]!.eventId, outcome)),
      };
    },

    async renewPresence({ presences }) {
      const absent = await service.renewPresences(presences);
      return {
        $typeName: 'realmkeep.area_stats.v1.RenewPresenceResponse',
        renewed: presences.length - absent.length,
        absent: absent.map(({ areaCode, multiplayerMode, userId }) => ({
          $typeName: 'realmkeep.area_stats.v1.Presence' as const,
          areaCode,
          multiplayerMode,
          userId,
        })),
      };
    },
  });
}

function outcomeMessage(eventId: string, outcome: Outcome) {
  const refused = outcome.result === 'REFUSED' ? outcome : undefined;
  return {
    $typeName: 'realmkeep.area_stats.v1.Outcome' as const,
    eventId,
    result: Outcome_Result[outcome.result],
    reason: refused?.reason ?? '',
    message: refused?.violations.map(({ field, description }) => `${field}: ${description}`).join('; ') ?? '',
  };
}
