import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { type ItemEvent, ItemEventSchema } from '@realmkeep/proto/realmkeep/player_state/v1/item_event';
import {
  type FollowItemEventsResponse,
  FollowItemEventsResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';

export function playerEvent(playerId: string, displayName: string, version = 1n): ItemEvent {
  return create(ItemEventSchema, { event: { case: 'player', value: { playerId, displayName, version } } });
}

export function catalogEvent(itemId: string, name: string, version = 1n): ItemEvent {
  return create(ItemEventSchema, { event: { case: 'item', value: { itemId, name, kind: 'weapon', version } } });
}

export function gameItemEvent(thing: {
  gameItemId: string;
  ownerId: string;
  version?: bigint;
  itemId?: string;
  quantity?: bigint;
  grantedLocationId?: string;
}): ItemEvent {
  const value = { itemId: 'iron-sword', quantity: 1n, version: 1n, ...thing };
  return create(ItemEventSchema, { event: { case: 'gameItem', value } });
}

/** A batch that ends at the given place of the outbox. */
export function batch(transaction: bigint, events: ItemEvent[] = [], id = 0n): FollowItemEventsResponse {
  const step = { case: 'batch' as const, value: { events, position: { transaction, id } } };
  return create(FollowItemEventsResponseSchema, { step, asOf: timestampNow() });
}

/** A chunk of a snapshot about all things above `after` up to `through`. */
export function chunk(
  events: ItemEvent[],
  { after = '', through = '', last }: { after?: string; through?: string; last?: bigint } = {},
): FollowItemEventsResponse {
  const value = {
    events,
    coversGameItems: true,
    gameItemsAfter: after,
    gameItemsThrough: through,
    ...(last === undefined ? {} : { last: true, position: { transaction: last, id: 0n } }),
  };
  return create(FollowItemEventsResponseSchema, { step: { case: 'snapshot', value }, asOf: timestampNow() });
}
