import { toJson } from '@bufbuild/protobuf';
import {
  type CatalogEvent,
  type GameItemEvent,
  type ItemEvent,
  ItemEventSchema,
  type PlayerEvent,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event';

// States as the database takes them: 64-bit numbers are text.
export type PlayerState = { player_id: string; name: string; version: string };
export type CatalogItemState = { item_id: string; name: string; kind: string; version: string };
export type GameItemState = {
  game_item_id: string;
  item_id: string;
  owner_id: string;
  quantity: string;
  version: string;
  /** Where it was granted; null: nowhere. */
  location_id: string | null;
};

export type States = {
  /** Of each noun and id the state of the greatest version. */
  players: PlayerState[];
  items: CatalogItemState[];
  gameItems: GameItemState[];
  /** The events that say no state that a row could hold, as JSON, and why. */
  refused: { event: unknown; reason: string }[];
};

/** Turns events, in any order, into the states that they say. */
export function toStates(events: ItemEvent[]): States {
  const players = new Map<string, PlayerState>();
  const items = new Map<string, CatalogItemState>();
  const gameItems = new Map<string, GameItemState>();
  const refused: States['refused'] = [];
  for (const message of events) {
    const { event } = message;
    const reason = faultOf(event);
    if (reason) refused.push({ event: storable(message), reason });
    else if (event.case === 'player') keepLatest(players, event.value.playerId, playerState(event.value));
    else if (event.case === 'item') keepLatest(items, event.value.itemId, catalogItemState(event.value));
    else if (event.case === 'gameItem') keepLatest(gameItems, event.value.gameItemId, gameItemState(event.value));
  }
  return { players: [...players.values()], items: [...items.values()], gameItems: [...gameItems.values()], refused };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID, which is all that the database takes for one. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

function faultOf(event: ItemEvent['event']): string | undefined {
  if (event.case === undefined) return 'it says nothing that is known here';
  if (event.case === 'player' && !isUuid(event.value.playerId)) return 'player_id is no UUID';
  if (event.case === 'gameItem') {
    const { gameItemId, ownerId, grantedLocationId } = event.value;
    if (!isUuid(gameItemId)) return 'game_item_id is no UUID';
    if (!isUuid(ownerId)) return 'owner_id is no UUID';
    if (grantedLocationId && !isUuid(grantedLocationId)) return 'granted_location_id is no UUID';
  }
  // Postgres keeps no text with it.
  if (Object.values(event.value).some((field) => typeof field === 'string' && field.includes('\0'))) {
    return 'a text has a NUL character';
  }
  return undefined;
}

function playerState({ playerId, displayName, version }: PlayerEvent): PlayerState {
  return { player_id: playerId, name: displayName, version: `${version}` };
}

function catalogItemState({ itemId, name, kind, version }: CatalogEvent): CatalogItemState {
  return { item_id: itemId, name, kind, version: `${version}` };
}

function gameItemState(event: GameItemEvent): GameItemState {
  return {
    game_item_id: event.gameItemId,
    item_id: event.itemId,
    owner_id: event.ownerId,
    quantity: `${event.quantity}`,
    version: `${event.version}`,
    location_id: event.grantedLocationId || null,
  };
}

function keepLatest<S extends { version: string }>(states: Map<string, S>, id: string, state: S): void {
  const known = states.get(id);
  if (!known || BigInt(known.version) < BigInt(state.version)) states.set(id, state);
}

function storable(event: ItemEvent): unknown {
  const json = toJson(ItemEventSchema, event);
  return JSON.parse(
    JSON.stringify(json, (_, value: unknown) => (typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value)),
  );
}
