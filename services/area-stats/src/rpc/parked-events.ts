import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { implement } from '@realmkeep/kit/server/implementation';
import {
  DiscardParkedEventsResponseSchema,
  ListParkedEventsResponseSchema,
  ParkedEventService,
  ReplayParkedEventsResponseSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/parked_event_service';
import { outcomeMessages } from '../outcome-message.ts';
import type { ParkedEvents } from '../service/parked-events.ts';

/** The RPCs of operators. */
export function parkedEventRpcs(parkedEvents: ParkedEvents) {
  return implement(ParkedEventService, {
    async listParkedEvents({ pageSize, pageToken }) {
      const { rows, nextPageToken } = await parkedEvents.list(pageSize, pageToken);
      return create(ListParkedEventsResponseSchema, {
        parkedEvents: rows.map(({ parked_event_id, event, reason, message, parked_at }) => ({
          parkedEventId: BigInt(parked_event_id),
          event,
          reason,
          message,
          parkedAt: timestampFromDate(parked_at),
        })),
        nextPageToken,
      });
    },

    async replayParkedEvents({ parkedEventIds }) {
      const replayed = await parkedEvents.replay(parkedEventIds.map(String));
      const outcomes = outcomeMessages(replayed);
      return create(ReplayParkedEventsResponseSchema, {
        replayedEvents: replayed.map(({ id }, index) => ({ parkedEventId: BigInt(id), outcome: outcomes[index]! })),
      });
    },

    async discardParkedEvents({ parkedEventIds }) {
      const discarded = await parkedEvents.discard(parkedEventIds.map(String));
      return create(DiscardParkedEventsResponseSchema, { parkedEventIds: discarded.map(BigInt) });
    },
  });
}
