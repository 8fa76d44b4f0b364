import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type ItemEvent,
  ItemEventSchema,
  type OutboxPosition,
  OutboxPositionSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event';
import {
  type FollowItemEventsResponse,
  FollowItemEventsResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import type { Place } from './repository/outbox.ts';

/** A run of events, up to and including a place of the outbox. */
export function batchStep(events: JsonValue[], through: Place, asOf: Date): FollowItemEventsResponse {
  const value = { events: events.map(toEvent), position: toPosition(through) };
  return create(FollowItemEventsResponseSchema, {
    step: { case: 'batch', value },
    asOf: timestampFromDate(asOf),
  });
}

/** A part of the snapshot; with `end`, its last one. */
export function snapshotStep(
  events: JsonValue[],
  { gameItems, end, asOf }: { gameItems?: { after: string; through: string }; end: Place | undefined; asOf: Date },
): FollowItemEventsResponse {
  const value = {
    events: events.map(toEvent),
    coversGameItems: gameItems !== undefined,
    gameItemsAfter: gameItems?.after ?? '',
    gameItemsThrough: gameItems?.through ?? '',
    ...(end && { last: true, position: toPosition(end) }),
  };
  return create(FollowItemEventsResponseSchema, {
    step: { case: 'snapshot', value },
    asOf: timestampFromDate(asOf),
  });
}

export function toPlace({ transaction, id }: OutboxPosition): Place {
  return { xid: transaction, id };
}

function toPosition({ xid, id }: Place): OutboxPosition {
  return create(OutboxPositionSchema, { transaction: xid, id });
}

function toEvent(json: JsonValue): ItemEvent {
  return fromJson(ItemEventSchema, json, { ignoreUnknownFields: true });
}
