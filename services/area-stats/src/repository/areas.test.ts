import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, postgresOf, type TestDatabase } from '../../test/database.ts';
import { createRepository, type Repository } from '../repository.ts';
import { listAreas } from './areas.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const CHANGES = 20_000;

let database: TestDatabase;
let repository: Repository;
/** Nodes are asked over connections of their own, which end before the database does. */
const pools: pg.Pool[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  repository = createRepository(database);
  // Whatever was added up stays on the pages of the table.
  await database.asOwner('alter table area_changes set (autovacuum_enabled = off)');
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.close();
});

function connect(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // The database is dropped by force as soon as the pools have said good-bye.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  pools.push(pool);
  return pool;
}

const login = (areaCode: string) => ({
  eventId: randomUUID(),
  areaCode,
  multiplayerMode: 'duel',
  userId: randomUUID(),
  eventName: 'LOGIN',
  eventTime: null,
});

/** Appends many changes that come to nothing. */
const append = () =>
  database.asOwner(`
    insert into areas values ('busy', 1) on conflict do nothing;
    insert into area_changes (area_code, delta) select 'busy', 1 - 2 * (n % 2) from generate_series(0, ${CHANGES - 1}) n`);

async function fold(): Promise<void> {
  while ((await repository.foldAreaChanges(CHANGES)) > 0);
}

/** Pages that a statement looked at, in memory or on disk, by the explanation of its plan. */
function pagesOf(rows: { 'QUERY PLAN': string }[]): number {
  const buffers = rows.map((row) => row['QUERY PLAN']).find((line) => line.includes('Buffers:')) ?? '';
  return [...buffers.matchAll(/(?:hit|read)=(\d+)/g)].reduce((sum, [, pages]) => sum + Number(pages), 0);
}

/** How many pages a node looks at to list areas. */
async function pagesOfListing(pool: pg.Pool): Promise<number> {
  const [plan] = await postgresOf(pool).read(async (node) => {
    const explained: { 'QUERY PLAN': string }[][] = [];
    const explain: typeof node.query = async (statement) => {
      const text = `explain (analyze, timing off, costs off, summary off) ${statement.text}`;
      explained.push((await node.query<{ 'QUERY PLAN': string }>({ ...statement, name: 'explain', text })).rows);
      return node.query(statement);
    };
    await listAreas({ ...node, query: explain }, { after: undefined, limit: 21 });
    return explained;
  });
  return pagesOf(plan!);
}

test('a listing looks at as many pages whatever was added up since the last vacuum, also on a replica', async () => {
  await append();
  await fold();
  await database.replicated();
  for (const url of [database.primaryUrl, ...database.replicaUrls]) {
    expect(await pagesOfListing(connect(url))).toBeLessThan(100);
  }
});

test('adding up begins after what was added up before, also while a long read keeps that from being vacuumed', async () => {
  const reader = await connect(database.ownerUrl).connect();
  try {
    await reader.query('begin isolation level repeatable read');
    await reader.query('select from area_changes limit 1');
    await append();
    await fold();
    // Changes that are appended within other transactions of the server are waited for.
    await until(
      async () => {
        await repository.recordEvents([login('few')], LIMITS);
        await repository.foldAreaChanges(CHANGES);
        const explained = await database.rows<{ 'QUERY PLAN': string }>(
          'explain (analyze, timing off, costs off, summary off) select fold_area_changes(1000)',
        );
        return pagesOf(explained) < 200;
      },
      { what: 'adding up to begin after what was added up' },
    );
  } finally {
    await reader.query('rollback');
    reader.release();
  }
});

test('a change whose transaction commits late is added up, and totals are as of before it until then', async () => {
  const late = await connect(database.primaryUrl).connect();
  try {
    await late.query('begin');
    const slow = createRepository({ postgres: postgresOf(late as unknown as pg.Pool) });
    await slow.recordEvents([login('late')], LIMITS);
    for (let turn = 0; turn < 5; turn += 1) {
      await repository.recordEvents([login('early')], LIMITS);
      await fold();
    }
    await late.query('commit');
  } finally {
    late.release();
  }
  const list = () => database.postgres.read((node) => listAreas(node, { after: undefined, limit: 1_000 }));
  const [now] = await database.rows<{ at: Date }>('select clock_timestamp() as at');
  const before = await list();
  expect(before.areas).not.toContainEqual({ areaCode: 'late', count: 1n });
  expect(before.asOf.getTime()).toBeLessThanOrEqual(now!.at.getTime());
  await fold();
  const { areas } = await list();
  expect(areas).toContainEqual({ areaCode: 'late', count: 1n });
  expect(areas).toContainEqual({ areaCode: 'early', count: 5n });
});

test('a database that was restored into another server, whose transaction ids are lesser, begins anew', async () => {
  const first = async () => (await database.rows<{ id: string }>('select first_change_id as id from area_fold'))[0]!.id;
  await database.asOwner(`update area_fold set next_transaction_id = '1000000000000'`);
  const before = await first();
  await until(
    async () => {
      await repository.recordEvents([login('restored')], LIMITS);
      await fold();
      return BigInt(await first()) > BigInt(before);
    },
    { what: 'adding up to move on' },
  );
});

test('the time of a listing moves on while nothing changes, and stays while changes wait', async () => {
  const asOf = async () =>
    (await database.postgres.read((node) => listAreas(node, { after: undefined, limit: 1 }))).asOf.getTime();
  await fold();
  const first = await asOf();
  await until(
    async () => {
      expect(await repository.foldAreaChanges(1)).toBe(0);
      return (await asOf()) > first;
    },
    { what: 'the time to move on' },
  );
  const idle = await asOf();
  await repository.recordEvents([login('one'), login('two')], LIMITS);
  expect(await repository.foldAreaChanges(1)).toBe(1);
  expect(await asOf()).toBe(idle);
  await fold();
  expect(await asOf()).toBeGreaterThan(idle);
});
