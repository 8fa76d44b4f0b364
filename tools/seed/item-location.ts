import type { ClientBase } from 'pg';
import type { CatalogItem } from './catalog.ts';
import { copyRows } from './copy.ts';
import type { SeededPlayer } from './player.ts';
import type { Place } from './world.ts';

/** Adds the places and the names of catalog items that are missing, as a follower of player-state would know them. */
export async function loadWorld(client: ClientBase, places: Place[], catalog: CatalogItem[]): Promise<void> {
  await client.query(
    `insert into locations (location_id, name, area_code)
     select * from unnest($1::uuid[], $2::text[], $3::text[]) on conflict do nothing`,
    [places.map((it) => it.locationId), places.map((it) => it.name), places.map((it) => it.areaCode)],
  );
  await client.query(
    `insert into item_names (item_id, name, kind, version)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) on conflict do nothing`,
    [
      catalog.map((it) => it.itemId),
      catalog.map((it) => it.name),
      catalog.map((it) => it.kind),
      catalog.map((it) => it.version),
    ],
  );
}

/**
 * Makes whoever follows player-state begin again from its position: a snapshot that was being taken before the things
 * were in player-state would take them for gone.
 */
export async function replaceFollower(client: ClientBase): Promise<void> {
  await client.query('select begin_following()');
}

/** The ids of those players that are not known here. */
export async function unknownPlayers(client: ClientBase, playerIds: string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ player_id: string }>(
    'select id as player_id from unnest($1::uuid[]) as id where not exists (select from player_names where player_id = id)',
    [playerIds],
  );
  return new Set(rows.map((row) => row.player_id));
}

/** Loads the players' names and where their things are, in one transaction: what following them would have left. */
export async function loadItemLocations(client: ClientBase, players: SeededPlayer[]): Promise<void> {
  if (players.length === 0) {
    return;
  }
  await client.query('begin');
  await copyRows(
    client,
    'player_names',
    ['player_id', 'name', 'version'],
    players.map(({ playerId, displayName }) => [playerId, displayName, 1]),
  );
  await copyRows(
    client,
    'player_versions',
    ['player_id', 'version'],
    players.map(({ playerId }) => [playerId, 1]),
  );
  const rows = players.flatMap(({ playerId, displayName, items }) =>
    items.map((it) => ({ at: it.at, cells: [...itemCells(it), playerId, displayName, 1, it.version, false, it.at] })),
  );
  rows.sort((a, b) => a.at.getTime() - b.at.getTime());
  await copyRows(
    client,
    'game_item_locations',
    columns,
    rows.map((row) => row.cells),
  );
  const places = players.flatMap(({ items }) => items.flatMap(({ place }) => place?.locationId ?? []));
  await client.query("select raise_listing_versions('{}', $1)", [[...new Set(places)]]);
  await client.query('commit');
}

const columns = [
  'game_item_id',
  'item_id',
  'item_name',
  'item_kind',
  'item_version',
  'quantity',
  'location_id',
  'location_name',
  'area_code',
  'location_version',
  'x',
  'y',
  'z',
  'owner_id',
  'owner_name',
  'owner_name_version',
  'source_version',
  'consumed',
  'updated_at',
];

function itemCells({ gameItemId, item, quantity, place, position }: SeededPlayer['items'][number]) {
  return [
    gameItemId,
    item.itemId,
    item.name,
    item.kind,
    item.version,
    quantity,
    place?.locationId,
    place?.name ?? '',
    place?.areaCode ?? '',
    place ? 1 : 0,
    position.x,
    position.y,
    position.z,
  ];
}
