import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SeedUrls, seedRealm } from './seed.ts';

const databases: TestDatabase[] = [];
const clients: pg.Client[] = [];
let urls: SeedUrls;
let playerState: pg.Client;
let itemLocation: pg.Client;
let areaStats: pg.Client;

async function open(service: string): Promise<pg.Client> {
  const migrations = fileURLToPath(new URL(`../../services/${service}/migrations`, import.meta.url));
  const database = await createTestDatabase({ migrations, name: 'seed' });
  databases.push(database);
  const client = new pg.Client({ connectionString: database.ownerUrl });
  clients.push(client);
  await client.connect();
  return client;
}

beforeAll(async () => {
  playerState = await open('player-state');
  itemLocation = await open('item-location');
  areaStats = await open('area-stats');
  urls = {
    playerState: databases[0]!.ownerUrl,
    itemLocation: databases[1]!.ownerUrl,
    areaStats: databases[2]!.ownerUrl,
  };
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await Promise.all(databases.map((database) => database.drop()));
});

const silent = { begin: () => {}, advance: () => {} };
const run = (players: number, seed: number) => seedRealm({ urls, players, seed, progress: silent });

async function rows(client: pg.Client, text: string): Promise<Record<string, unknown>[]> {
  return (await client.query(text)).rows;
}

/** What the databases hold, without the times. */
async function content() {
  return {
    players: await rows(playerState, 'select player_id, display_name, version, item_count from players order by 1'),
    items: await rows(
      playerState,
      'select game_item_id, owner_id, item_id, quantity, version from game_items order by 1',
    ),
    ledger: await rows(playerState, 'select transaction_id, player_ids from transactions order by 1'),
    locations: await rows(
      itemLocation,
      'select game_item_id, version, location_id, x from game_item_locations order by 1',
    ),
    events: await rows(areaStats, 'select event_id, area_code, user_id, event_name from area_mode_events order by 1'),
    counts: await rows(areaStats, 'select * from area_mode_events_agg order by 1, 2'),
  };
}

describe('seeding', () => {
  it('adds what is asked for, and again nothing', async () => {
    const added = await run(40, 7);
    expect(added).toMatchObject({ players: 40, itemLocations: added.items });
    expect(added.items).toBeGreaterThan(40 * 3);
    expect(added.catalogItems).toBeGreaterThan(1_300);
    const before = await content();

    expect(await run(40, 7)).toMatchObject({
      catalogItems: 0,
      players: 0,
      items: 0,
      ledgerEntries: 0,
      itemLocations: 0,
      events: 0,
    });
    expect(await content()).toEqual(before);
  });

  it('completes a run that was smaller or broken off, and adds the players of another seed', async () => {
    await itemLocation.query('truncate game_item_locations, player_names, player_versions');
    const completed = await run(60, 7);
    expect(completed.players).toBe(20);
    expect(completed.itemLocations).toBeGreaterThan(completed.items);
    expect(await run(30, 8)).toMatchObject({ players: 30 });
    expect(await rows(playerState, 'select count(*)::int from players')).toEqual([{ count: 90 }]);
  });

  it('keeps every balance equal to the sum of its ledger entries and every stack to what was granted and used', async () => {
    const wrong = `
      select 'balance' as what, player_id::text as id from balances b full join
        (select player_id, currency, sum(amount) as amount from transaction_entries where currency is not null group by 1, 2) e
        using (player_id, currency) where b.amount is distinct from e.amount or b.amount < 0
      union all
      select 'stack', game_item_id::text from game_items g full join
        (select game_item_id, player_id as owner_id, item_id, sum(quantity) as quantity, count(*) as version, min(created_at) as created_at
         from transaction_entries where game_item_id is not null group by 1, 2, 3) e
        using (game_item_id, owner_id, item_id, quantity, version, created_at) where g.item_id is null or e.item_id is null
      union all
      select 'max_stack', game_item_id::text from game_items join items using (item_id) where quantity > max_stack
      union all
      select 'item_count', player_id::text from players
        where item_count <> (select count(*) from game_items where owner_id = player_id)
      union all
      select 'version', player_id::text from players
        where version <> 1 + (select count(*) from transactions where player_ids = array[player_id])
      union all
      select 'transaction', transaction_id::text from transactions t full join
        (select transaction_id, created_at, array_agg(distinct player_id) as player_ids from transaction_entries group by 1, 2) e
        using (transaction_id, created_at, player_ids) where t.player_ids is null or e.player_ids is null
      union all
      select 'order', game_item_id::text from (
        select game_item_id, created_at < lag(created_at) over (partition by owner_id order by game_item_id) as early
        from game_items) ordered where early`;
    expect(await rows(playerState, wrong)).toEqual([]);
  });

  it('leaves where things are exactly as following player-state would have', async () => {
    const things = await rows(
      playerState,
      `select game_item_id, item_id, i.name as item_name, i.kind as item_kind, i.version as item_version, g.quantity, owner_id,
         p.display_name as owner_name, p.name_version as owner_name_version, granted_location_id as location_id,
         g.version as source_version, false as consumed
       from game_items g join items i using (item_id) join players p on p.player_id = g.owner_id order by 1`,
    );
    const located = await rows(
      itemLocation,
      `select game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name, owner_name_version,
         location_id, source_version, consumed from game_item_locations order by 1`,
    );
    expect(located).toEqual(things);
    const wrong = `
      select game_item_id::text from game_item_locations g left join locations l using (location_id)
        where location_name <> coalesce(l.name, '') or g.area_code <> coalesce(l.area_code, '')
      union all
      select owner_id::text from game_item_locations left join player_names on player_id = owner_id
        where owner_name is distinct from name or owner_name_version is distinct from player_names.version
      union all
      select item_id from game_item_locations left join item_names using (item_id)
        where item_name is distinct from name or item_version is distinct from item_names.version`;
    expect(await rows(itemLocation, wrong)).toEqual([]);
    expect(await rows(playerState, 'select from outbox')).toEqual([]);
    expect(await rows(playerState, 'select from players where (outbox_xid, outbox_id) > (0, 0)')).toEqual([]);
    expect(await rows(itemLocation, 'select source_transaction, epoch > 0 as replaced from follow_position')).toEqual([
      { source_transaction: null, replaced: true },
    ]);
  });

  it('counts as present exactly those whose latest event in an area and mode is LOGIN', async () => {
    const counted = `select area_code, multiplayer_mode, current_count::int as count from area_mode_events_agg
      where current_count > 0 order by 1, 2`;
    const defined = `select area_code, multiplayer_mode, count(*)::int from (
        select distinct on (area_code, multiplayer_mode, user_id) * from area_mode_events
        order by area_code, multiplayer_mode, user_id, event_time desc, event_id desc) latest
      where event_name = 'LOGIN' group by 1, 2 order by 1, 2`;
    const counts = await rows(areaStats, counted);
    expect(counts).toEqual(await rows(areaStats, defined));
    expect(counts.length).toBeGreaterThan(5);
  });
});
