import { create, toBinary } from '@bufbuild/protobuf';
import { ListItemLocationsRequestSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import pg from 'pg';
import type { ServiceProcess } from '../local/service-process.ts';
import { prewarm } from './prewarm.ts';
import type { Bench } from './row.ts';
import { type Echo, type Server, type Stand, serverOf, withEnvironment } from './stand.ts';

export const LIST = '/realmkeep.item_location.v1.ItemLocationService/ListItemLocations';

/** Players whose things are listed for each one that is seeded: 5 million things for 100,000. */
const SHARE = 2.5;
/** Things of each player that is listed: a default page. */
const THINGS = 20;
/** Players whose things are made by one statement. */
const CHUNK = 5_000;
/** More players than these are added without the indexes of what they have. */
const MANY = 20_000;

/** How many players have things that are listed. */
export function listed({ players }: Pick<Bench, 'players'>): number {
  return Math.ceil(players * SHARE);
}

/** ListItemLocations of a player's first page. */
export function listRequest(playerId: string): Uint8Array {
  return toBinary(ListItemLocationsRequestSchema, create(ListItemLocationsRequestSchema, { playerId }));
}

/** What the rows of item-location are measured on: its process, and players with 20 things each. */
export type ItemStand = {
  playerIds: string[];
  service: Server;
  /** Starts the process again with these settings and with empty caches everywhere. */
  empty(settings?: Record<string, string>): Promise<Server>;
  echo(mark?: Record<string, string>): Promise<Echo>;
};

/** Has a stand's item-location run, with `players` players more in its database, and stops it when the work is over. */
export async function withItemStand<T>(
  stand: Stand,
  players: number,
  work: (items: ItemStand) => Promise<T>,
): Promise<T> {
  const [process] = stand.realm.services['item-location'] as [ServiceProcess];
  await fill(stand.realm.databases['item-location'].ownerUrl, players);
  await prewarm(stand.realm.stores.postgres, 'item_location');
  const playerIds = Array.from({ length: players }, (_, index) => playerIdOf(index + 1));
  const start = async (settings: Record<string, string> = {}) => {
    await process.stop();
    await stand.flush();
    await withEnvironment(settings, () => process.start());
    return serverOf(process);
  };
  await start();
  try {
    return await work({
      playerIds,
      get service() {
        return serverOf(process);
      },
      empty: start,
      echo: (mark) =>
        stand.echo({
          path: LIST,
          requests: playerIds.slice(0, 100).map(listRequest),
          address: process.address,
          ...(mark && { mark }),
        }),
    });
  } finally {
    await process.stop();
  }
}

/** How many things there are in all. */
export async function countThings(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      "select reltuples::int as n from pg_class where relname = 'game_item_locations'",
    );
    return rows[0]!.n;
  } finally {
    await client.end();
  }
}

function playerIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** Adds those of the players that are missing, each with 20 things of the seeded items at the seeded places. */
async function fill(url: string, players: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      "select count(*)::int as n from player_names where player_id < '00000000-0000-4000-9000-000000000000'",
    );
    const there = rows[0]!.n;
    if (there < players) {
      const add = () => addPlayers(client, there + 1, players);
      if (players - there > MANY) await withoutIndexes(client, add);
      else await add();
      await client.query('vacuum analyze game_item_locations, player_names, player_versions');
      await client.query('checkpoint').catch(() => undefined);
    }
  } finally {
    await client.end();
  }
}

/** Indexes that are made of all rows at once take a part of the time. */
async function withoutIndexes(client: pg.Client, add: () => Promise<void>): Promise<void> {
  const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
    "select indexname, indexdef from pg_indexes where tablename = 'game_item_locations' and indexname not like '%_pkey'",
  );
  // The index of places takes minutes to make: longer than any transaction of the service may.
  await client.query("set maintenance_work_mem = '512MB'; set transaction_timeout = 0");
  for (const { indexname } of indexes) await client.query(`drop index ${indexname}`);
  await add();
  for (const { indexdef } of indexes) await client.query(indexdef);
}

async function addPlayers(client: pg.Client, first: number, last: number): Promise<void> {
  for (let from = first; from <= last; from += CHUNK) {
    await client.query(
      `with items as (select array_agg(i) as all from item_names i), places as (select array_agg(l) as all from locations l),
      players as (
        insert into player_names (player_id, name, version)
        select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Player ' || n, 1
        from generate_series($1::int, $2::int) n returning player_id, name
      ), versions as (insert into player_versions select player_id, 1 from players)
      insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id,
        owner_name, owner_name_version, location_id, location_name, area_code, location_version, x, y, z, source_version,
        consumed)
      select uuidv7(), (i).item_id, (i).name, (i).kind, (i).version, 1, player_id, name, 1, (l).location_id, (l).name,
        (l).area_code, (l).version, random() * 1000, random() * 100, random() * 1000, 1, false
      from (
        select p.*, items.all[1 + floor(random() * cardinality(items.all))::int] as i,
          places.all[1 + floor(random() * cardinality(places.all))::int] as l
        from players p, generate_series(1, ${THINGS}) as thing, items, places
      ) as drawn`,
      [from, Math.min(last, from + CHUNK - 1)],
    );
  }
}
