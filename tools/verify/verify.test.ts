import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedRealm } from '../seed/seed.ts';
import { areaStatsVerifications } from './area-stats.ts';
import { followedVerification, placedVerification } from './item-location.ts';
import { playerStateVerifications } from './player-state.ts';
import { repair, type Verification, verify } from './verification.ts';

const SERVICES = ['player-state', 'item-location', 'area-stats'] as const;
type Service = (typeof SERVICES)[number];

const databases = {} as Record<Service, TestDatabase>;
const clients = {} as Record<Service, pg.Client>;
let verifications: Verification[];

const [ADA, BOB] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const [PAYMENT, MEAL] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];

beforeAll(async () => {
  for (const service of SERVICES) {
    const migrations = fileURLToPath(new URL(`../../services/${service}/migrations`, import.meta.url));
    databases[service] = await createTestDatabase({ migrations, name: 'verify' });
    clients[service] = new pg.Client({ connectionString: databases[service].ownerUrl });
    await clients[service].connect();
  }
  const [playerState, itemLocation, areaStats] = SERVICES.map((service) => databases[service].ownerUrl);
  await seedRealm({
    urls: { playerState: playerState!, itemLocation: itemLocation!, areaStats: areaStats! },
    players: 60,
    seed: 1,
    progress: { begin: () => {}, advance: () => {} },
  });
  // And two players of whom nothing is left to be anywhere: one paid the other, and ate what it was given.
  const apply = (id: string, operations: string) =>
    clients['player-state'].query(
      `select apply_transactions('{${id}}', array[''::bytea], '{2}', '{0}', ${operations}, '{}', '{}', 2000, 1000)`,
    );
  await clients['player-state'].query(`select create_player('${ADA}', 'Ada'), create_player('${BOB}', 'Bob')`);
  await apply(
    PAYMENT,
    `'{credit,transfer_currency}', '{${ADA},${ADA}}', '{null,${BOB}}', '{gold,gold}', '{null,null}', '{null,null}', '{9,4}',
     '{null,null}'`,
  );
  await apply(
    MEAL,
    `'{grant_item,consume_item}', '{${ADA},${ADA}}', '{null,null}', '{null,null}', '{apple,apple}', '{null,null}', '{3,3}',
     '{null,null}'`,
  );
  verifications = [
    ...playerStateVerifications(clients['player-state']),
    followedVerification(clients['player-state'], clients['item-location'], 0),
    placedVerification(clients['player-state'], clients['item-location']),
    ...areaStatsVerifications(clients['area-stats']),
  ];
});
afterAll(async () => {
  await Promise.all(SERVICES.map((service) => clients[service].end()));
  await Promise.all(SERVICES.map((service) => databases[service].drop()));
});

async function outcomes() {
  const all = [];
  for (const verification of verifications) all.push(await verify(verification, () => {}));
  return all;
}

test('nothing is found in data that are right, and every table is gone through', async () => {
  for (const { says, broken, checked, first } of await outcomes()) {
    expect.soft([says, broken, first]).toEqual([says, 0, []]);
    expect.soft(checked, says).toBeGreaterThan(0);
  }
});

const ANY_THING = 'select game_item_id from game_items order by 1 limit 1';
const ANY_PRESENCE =
  'select area_code, multiplayer_mode, user_id from area_mode_presence where counted order by 3 limit 1';

/** What is broken, by which statement, and the id that is to be named; a statement answers it where it is not known. */
const CASES: [says: string, service: Service, damage: string, id: string][] = [
  [
    '1. what was answered',
    'player-state',
    `update transaction_requests set created_at = created_at + interval '1 second' where transaction_id = '${PAYMENT}'`,
    PAYMENT,
  ],
  [
    '1. a transaction is',
    'player-state',
    `insert into transactions select transaction_id, created_at - interval '1 microsecond', player_ids from transactions
     where transaction_id = '${PAYMENT}'`,
    PAYMENT,
  ],
  [
    '1. a transaction is',
    'player-state',
    `delete from transaction_entries where transaction_id = '${PAYMENT}' and player_id = '${BOB}'`,
    PAYMENT,
  ],
  ['1. a transaction is', 'player-state', `delete from transactions where transaction_id = '${MEAL}'`, MEAL],
  ['2. a balance', 'player-state', `update balances set amount = amount + 1 where player_id = '${BOB}'`, `${BOB} gold`],
  ['2. a balance', 'player-state', `delete from balances where player_id = '${ADA}'`, `${ADA} gold`],
  [
    '2. 3. a thing',
    'player-state',
    `update game_items set owner_id = '${BOB}' where game_item_id = (${ANY_THING})`,
    ANY_THING,
  ],
  ['2. 3. a thing', 'player-state', `delete from game_items where game_item_id = (${ANY_THING})`, ANY_THING],
  ['2. 3. a thing', 'player-state', `update game_items set version = 0 where game_item_id = (${ANY_THING})`, ANY_THING],
  [
    '2. what is transferred',
    'player-state',
    `update transaction_entries set amount = 5 where transaction_id = '${PAYMENT}' and player_id = '${BOB}'`,
    PAYMENT,
  ],
  ['3. a player’s version', 'player-state', `update players set version = 2 where player_id = '${ADA}'`, ADA],
  ['3. a player’s version', 'player-state', `update players set item_count = 1 where player_id = '${BOB}'`, BOB],
  ['3. a player’s version', 'player-state', `delete from players where player_id = '${ADA}'`, ADA],
  ['3. nothing is older', 'player-state', `update players set outbox_xid = 0 where player_id = '${ADA}'`, ADA],
  ['3. nothing is older', 'player-state', `update players set name_version = 0 where player_id = '${BOB}'`, BOB],
  [
    '3. item-location',
    'item-location',
    `update game_item_locations set quantity = quantity + 1
     where game_item_id = (select game_item_id from game_item_locations order by 1 limit 1)`,
    ANY_THING,
  ],
  [
    '3. item-location shows the names and areas',
    'item-location',
    `update game_item_locations set location_name = 'Nowhere'
     where game_item_id = (select game_item_id from game_item_locations where location_id is not null order by 1 limit 1)`,
    'select game_item_id from game_item_locations where location_id is not null order by 1 limit 1',
  ],
  ['3. item-location', 'player-state', `delete from game_items where game_item_id = (${ANY_THING})`, ANY_THING],
  [
    '7. a count',
    'area-stats',
    `update area_mode_events_agg a set current_count = current_count + 1 from (${ANY_PRESENCE}) p
     where (a.area_code, a.multiplayer_mode) = (p.area_code, p.multiplayer_mode)`,
    `select p.area_code || ' ' || p.multiplayer_mode from (${ANY_PRESENCE}) p`,
  ],
  [
    '7. the total of an area',
    'area-stats',
    `insert into areas select p.area_code, 1 from (${ANY_PRESENCE}) p
     on conflict (area_code) do update set current_count = areas.current_count + 1`,
    `select p.area_code from (${ANY_PRESENCE}) p`,
  ],
  [
    '7. who is counted',
    'area-stats',
    `update area_mode_presence a set counted = false from (${ANY_PRESENCE}) p
     where (a.area_code, a.multiplayer_mode, a.user_id) = (p.area_code, p.multiplayer_mode, p.user_id)`,
    `select p.area_code || ' ' || p.multiplayer_mode || ' ' || p.user_id from (${ANY_PRESENCE}) p`,
  ],
  [
    '7. who is counted',
    'area-stats',
    `update area_mode_presence a set lease_until = now() - interval '1 hour' from (${ANY_PRESENCE}) p
     where (a.area_code, a.multiplayer_mode, a.user_id) = (p.area_code, p.multiplayer_mode, p.user_id)`,
    `select p.area_code || ' ' || p.multiplayer_mode || ' ' || p.user_id from (${ANY_PRESENCE}) p`,
  ],
  [
    '7. who is counted',
    'area-stats',
    `update area_mode_presence a set lease_until = now() + interval '1 hour' from (${ANY_PRESENCE}) p
     where (a.area_code, a.multiplayer_mode, a.user_id) = (p.area_code, p.multiplayer_mode, p.user_id)`,
    `select p.area_code || ' ' || p.multiplayer_mode || ' ' || p.user_id from (${ANY_PRESENCE}) p`,
  ],
  [
    '7. a presence',
    'area-stats',
    `update area_mode_presence a set event_time = event_time - interval '1 second' from (${ANY_PRESENCE}) p
     where (a.area_code, a.multiplayer_mode, a.user_id) = (p.area_code, p.multiplayer_mode, p.user_id)`,
    `select p.area_code || ' ' || p.multiplayer_mode || ' ' || p.user_id from (${ANY_PRESENCE}) p`,
  ],
];

test('each broken invariant is named, with the id of what broke it', async () => {
  for (const [says, service, damage, id] of CASES) {
    const idService = id === ANY_THING ? 'player-state' : service;
    const expected = id.startsWith('select')
      ? Object.values((await clients[idService].query<Record<string, string>>(id)).rows[0]!)[0]
      : id;
    await clients[service].query('begin');
    await clients[service].query(damage);
    const broken = (await outcomes()).filter((outcome) => outcome.says.startsWith(says));
    await clients[service].query('rollback');
    expect
      .soft(
        broken.flatMap(({ first }) => first.map((finding) => finding.id)),
        damage,
      )
      .toContain(expected);
  }
});

test.each([
  ['item', 'item_name'],
  ['owner', 'owner_name'],
  ['location', 'location_name'],
])(
  'the name of %s is not broken in things that its rename is yet to come to; whatever else differs in them is',
  async (noun, name) => {
    const itemLocation = clients['item-location'];
    const found = async () => {
      const of = (await outcomes()).filter(({ says }) => says.startsWith('3. item-location'));
      return of.flatMap(({ first }) => first.map((finding) => finding.id));
    };
    await itemLocation.query('begin');
    const { rows } = await itemLocation.query<{ game_item_id: string; id: string }>(
      `update game_item_locations set ${name} = 'as it was' where ${noun}_id =
       (select ${noun}_id from game_item_locations where ${noun}_id is not null and not consumed order by game_item_id limit 1)
     returning game_item_id, ${noun}_id::text as id`,
    );
    const { game_item_id: thing, id } = rows[0]!;
    const broken = await found();
    await itemLocation.query('insert into renames (noun, id, version) values ($1, $2, 2)', [noun, id]);
    const renamed = await found();
    await itemLocation.query('update game_item_locations set quantity = quantity + 1 where game_item_id = $1', [thing]);
    const wrong = await found();
    await itemLocation.query('rollback');
    expect(broken).not.toEqual([]);
    expect(renamed).toEqual([]);
    expect(wrong).toEqual([thing]);
  },
);

test('item-location is brought to what its sources say, whatever it shows, and then holds', async () => {
  const itemLocation = clients['item-location'];
  const versions = 'select coalesce(sum(version), 0)::int as sum from player_versions';
  const { rows: before } = await itemLocation.query<{ sum: number }>(versions);
  await itemLocation.query(`
    with picked as (select game_item_id, row_number() over (order by game_item_id) as n from game_item_locations where not consumed)
    update game_item_locations g set
      item_name = case when n % 5 = 0 then 'Wrong' else item_name end,
      quantity = case n % 5 when 1 then quantity + 7 when 2 then 0 else quantity end,
      consumed = n % 5 = 2,
      location_name = case when n % 5 = 3 then 'Nowhere' else location_name end
    from picked where picked.game_item_id = g.game_item_id and n <= 40`);
  await itemLocation.query(`
    delete from game_item_locations where game_item_id in (select game_item_id from game_item_locations order by 1 desc limit 3);
    insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name,
        owner_name_version, location_name, area_code, source_version, consumed)
      values (gen_random_uuid(), 'apple', 'Apple', 'food', 1, 1, '${ADA}', 'Ada', 1, '', '', 1, false)`);
  for (const verification of verifications) await repair(verification);
  const left = (await outcomes()).filter(({ broken }) => broken > 0);
  expect(left).toEqual([]);
  const { rows: after } = await itemLocation.query<{ sum: number }>(versions);
  expect(after[0]!.sum).toBeGreaterThan(before[0]!.sum);
});

test('the command says what it checked, and its status is 1 when something is broken', async () => {
  const state = await mkdtemp(join(tmpdir(), 'verify-'));
  const urls = Object.fromEntries(SERVICES.map((service) => [service, { ownerUrl: databases[service].ownerUrl }]));
  await writeFile(join(state, 'addresses.json'), JSON.stringify({ databases: urls }));
  const run = () =>
    new Promise<{ status: number; said: string }>((resolve) => {
      const main = fileURLToPath(new URL('main.ts', import.meta.url));
      execFile(process.execPath, [main], { env: { ...process.env, REALMKEEP_STATE: state } }, (error, said) =>
        resolve({ status: error ? Number(error.code) : 0, said }),
      );
    });
  const right = await run();
  expect(right).toMatchObject({ status: 0, said: expect.stringMatching(/^all \d+ hold/m) });
  expect(right.said).toContain('holds   2. a balance is the sum of its ledger entries');
  await clients['player-state'].query(`update balances set amount = 6 where player_id = '${ADA}'`);
  const wrong = await run();
  expect(wrong).toMatchObject({ status: 1, said: expect.stringMatching(/^BROKEN {2}2\. a balance/m) });
  expect(wrong.said).toContain(`${ADA} gold holds 6, and its ledger sums to 5`);
  await rm(state, { recursive: true });
});
