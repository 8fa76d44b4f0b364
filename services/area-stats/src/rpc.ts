import { implement } from '@realmkeep/kit/server/implementation';
import type { WatchHub } from '@realmkeep/kit/watch/hub';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { outcomeMessage, outcomeMessages } from './outcome-message.ts';
import type { Listing } from './service/listing.ts';
import type { Reading } from './service/reading.ts';
import type { EventStream } from './service/stream.ts';
import type { Service } from './service.ts';

const DEFAULT_PAGE_SIZE = 20;

/** The RPCs of area-stats: messages in, messages or their bytes out. */
export function createRpc({
  service,
  recordStream,
  reading,
  listing,
  watches,
  now = Date.now,
}: {
  service: Service;
  recordStream: EventStream;
  reading: Reading;
  listing: Listing;
  watches: Pick<WatchHub, 'watch'>;
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

    async listAreas({ pageSize, pageToken }, context) {
      const { page, nextPageToken, asOf, source } = await listing.listAreas(pageSize || DEFAULT_PAGE_SIZE, pageToken);
      context.header('realmkeep-source', source);
      context.header('realmkeep-age-ms', String(Math.max(0, now() - asOf.getTime())));
      return {
        $typeName: 'realmkeep.area_stats.v1.ListAreasResponse',
        areas: page.map(({ areaCode, count }) => ({
          $typeName: 'realmkeep.area_stats.v1.AreaCount' as const,
          areaCode,
          currentCount: count,
        })),
        nextPageToken,
      };
    },

    watchAreaStats: ({ areaCode, fromVersion }) => watches.watch(areaCode, fromVersion),

    async recordEvent(request) {
      return {
        $typeName: 'realmkeep.area_stats.v1.RecordEventResponse',
        outcome: outcomeMessage({ eventId: request.eventId, outcome: await service.recordEvent(request) }),
      };
    },

    async recordEvents({ events, ack }) {
      const outcomes = await service.recordEvents(events, ack);
      return {
        $typeName: 'realmkeep.area_stats.v1.RecordEventsResponse',
        outcomes: outcomeMessages(outcomes.map((outcome, index) => ({ eventId: events[index]!.eventId, outcome }))),
      };
    },

    async streamEvents(requests, { signal }) {
      const { recorded, duplicate, refused, refusals } = await recordStream(requests, signal);
      return {
        $typeName: 'realmkeep.area_stats.v1.StreamEventsResponse',
        recorded: BigInt(recorded),
        duplicate: BigInt(duplicate),
        refused: BigInt(refused),
        refusals: outcomeMessages(refusals),
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
