import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.ts';
import { createRepository, type Repository } from '../repository.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const KEEP_SECONDS = 7.5 * 86_400;
const ROUND_SECONDS = 86_400;

let database: TestDatabase;
let repository: Repository;

beforeAll(async () => {
  database = await openTestDatabase();
  repository = createRepository(database);
  await database.asOwner(`do $$ begin
    for remainder in 0..7 loop
      execute format('alter table event_ids_%s set (autovacuum_enabled = off)', remainder);
    end loop;
  end $$`);
});
beforeEach(() => database.asOwner('truncate event_ids'));
afterAll(() => database.close());

/** As if a round had begun so long ago, and no page been walked since. */
const begunBefore = (seconds: number) =>
  database.asOwner(`
    update event_id_walk set began_at = now() - interval '${seconds} seconds', partition = 0, page = 0`);

/** Walks all pages that are due, and answers how many each call walked. */
async function trim(pages: number): Promise<number[]> {
  const walked: number[] = [];
  for (let last = 1; last > 0; walked.push(last)) {
    last = await repository.trimEventIds({ keepSeconds: KEEP_SECONDS, pages, roundSeconds: ROUND_SECONDS });
  }
  return walked;
}

const insert = (ids: number, age: string) =>
  database.asOwner(`
    insert into event_ids select gen_random_uuid(), now() - interval '${age}' from generate_series(1, ${ids})`);

async function left(): Promise<number> {
  const [row] = await database.rows<{ ids: number }>('select count(*)::int as ids from event_ids');
  return row!.ids;
}

async function pagesOfTable(): Promise<number> {
  const [row] = await database.rows<{ pages: number }>(`
    select sum(pg_relation_size(inhrelid) / current_setting('block_size')::int)::int as pages
    from pg_inherits where inhparent = 'event_ids'::regclass`);
  return row!.pages;
}

async function vacuumed(): Promise<boolean> {
  await database.asOwner('vacuum event_ids');
  const [row] = await database.rows<{ dead: number }>(`
    select sum(n_dead_tup)::int as dead from pg_stat_user_tables where relname like 'event\\_ids\\__'`);
  return row!.dead === 0;
}

test('old event ids are trimmed within one round, and those that can still come again are kept', async () => {
  const events = Array.from({ length: 25 }, (_, user) => ({
    eventId: randomUUID(),
    areaCode: 'trim',
    multiplayerMode: 'duel',
    userId: `u${user}`,
    eventName: 'LOGIN',
    eventTime: null,
  }));
  await repository.recordEvents(events, LIMITS);
  const old = events.slice(0, 20).map(({ eventId }) => `'${eventId}'`);
  await database.asOwner(`update event_ids set received_at = now() - interval '8 days' where event_id in (${old})`);
  await begunBefore(ROUND_SECONDS);
  await trim(64);
  expect(await left()).toBe(5);
  expect(await repository.recordEvents(events.slice(20), LIMITS)).toEqual(Array(5).fill(2));
});

test('a trim looks at no more pages than it is asked to, whatever was trimmed and received since', async () => {
  await insert(40_000, '8 days');
  // At the end of the table, which would be cut off otherwise.
  await insert(1_000, '1 day');
  const pages = await pagesOfTable();
  await begunBefore(ROUND_SECONDS);
  const walked = await trim(16);
  expect(Math.max(...walked)).toBe(16);
  expect(await left()).toBe(1_000);
  // What is received now lies where the trimmed ids were, once nobody on the server can see those any more.
  await until(vacuumed, { what: 'the trimmed ids to be vacuumed' });
  await insert(40_000, '0 days');
  expect(await pagesOfTable()).toBeLessThanOrEqual(pages + 16);
  await begunBefore(ROUND_SECONDS);
  const explained = await database.rows<{ 'QUERY PLAN': string }>(`
    explain (analyze, timing off, costs off, summary off)
    select trim_event_ids(interval '${KEEP_SECONDS} seconds', 16, interval '1 day')`);
  const buffers = explained.map((row) => row['QUERY PLAN']).find((line) => line.includes('Buffers:')) ?? '';
  const looked = [...buffers.matchAll(/(?:hit|read)=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  // And at some of the catalog. A scan of one partition alone looks at 32.
  expect(pages / 8).toBeGreaterThan(30);
  expect(looked).toBeGreaterThan(16);
  expect(looked).toBeLessThan(16 + 200);
});

test('a round over all pages takes its time however many call', async () => {
  await insert(40_000, '8 days');
  const pages = await pagesOfTable();
  await begunBefore(ROUND_SECONDS / 2);
  const both = await Promise.all([trim(8), trim(8)]);
  const walked = both.flat().reduce((sum, each) => sum + each, 0);
  // Partitions are not all of one size.
  expect(walked).toBeGreaterThan(pages * 0.4);
  expect(walked).toBeLessThan(pages * 0.6);
  expect(await left()).toBeGreaterThan(15_000);
  // A page at most has become due since.
  expect((await trim(8)).reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1);
});
