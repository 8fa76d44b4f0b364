import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { createTestDatabase, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, schemaVersion, waitForSchema } from './migrate.ts';

let folder: string;
let database: TestDatabase;
let url: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-migrate-'));
  database = await createTestDatabase({ name: 'migrate' });
  url = database.ownerUrl;
  write('0001_things', `create table things (id int); select runtime_may('select', 'table things');`);
});
afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const write = (name: string, sql: string) => writeFileSync(join(folder, `${name}.sql`), sql);
const query = (address: string, sql: string) => withClient(address, async (client) => (await client.query(sql)).rows);

test("migrating applies kit's migrations and then the folder's, once", async () => {
  writeFileSync(join(folder, 'README.md'), 'no migration');
  expect(await schemaVersion({ url })).toBeUndefined();
  expect(await migrate({ url, folder })).toEqual({ applied: ['0000_nodes', '0001_things'] });
  expect(await migrate({ url, folder })).toEqual({ applied: [] });
  write('0002_more', 'create table more (id int);');
  expect(await migrate({ url, folder })).toEqual({ applied: ['0002_more'] });
  expect(await schemaVersion({ url })).toBe('0002_more');
});

test('of processes that migrate at once one does it and the others wait', async () => {
  write('0002_slow', 'create table slow (id int); select pg_sleep(0.3);');
  const results = await Promise.all([1, 2, 3].map(() => migrate({ url, folder })));
  expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 3]);
});

test('a migration that fails names its fault and leaves nothing, those before it stay', async () => {
  write('0002_fault', 'create table half (id int);\nselect nonsense;\n');
  await expect(migrate({ url, folder })).rejects.toThrow(/column "nonsense" does not exist/);
  expect(await schemaVersion({ url })).toBe('0001_things');
  expect(await query(url, `select to_regclass('half') as half`)).toEqual([{ half: null }]);
});

test('a migration that stands before an applied one is refused, as is a file that is named otherwise', async () => {
  write('0003_late', 'select 1;');
  await migrate({ url, folder });
  write('0002_early', 'select 1;');
  await expect(migrate({ url, folder })).rejects.toThrow('0002_early is new, but stands before 0003_late');
  write('0003_again', 'select 1;');
  await expect(migrate({ url, folder })).rejects.toThrow('have the number of 0003_late');
  write('4_four', 'select 1;');
  await expect(migrate({ url, folder })).rejects.toThrow('4_four.sql');
});

test('the runtime role gets what migrations name and no more, whatever default privileges gave it', async () => {
  await migrate({ url, folder });
  const role = database.primaryUrl;
  expect(await query(role, 'select id from things')).toEqual([]);
  expect(await query(role, 'select count(*)::int as n from heartbeat where at <= as_of()')).toEqual([{ n: 1 }]);
  expect(await query(role, 'select timeline from wal_position()')).toEqual([{ timeline: 1 }]);
  for (const sql of [
    'insert into things values (1)',
    'delete from heartbeat',
    `insert into schema_migrations (name, run_on) values ('x', now())`,
    `select runtime_may('insert', 'table things')`,
  ]) {
    await expect(query(role, sql)).rejects.toThrow('permission denied');
  }
});

test('a service waits until its own migrations are there, says what is missing, and minds no others', async () => {
  const pool = new pg.Pool({ connectionString: database.primaryUrl });
  const said: unknown[] = [];
  const logger = { info: (about: unknown) => said.push(about) };
  const waiting = waitForSchema(pool, folder, { logger, every: 20 });
  await migrate({ url, folder });
  await waiting;
  expect(said[0]).toEqual({ missing: ['0000_nodes', '0001_things'] });
  rmSync(join(folder, '0001_things.sql'));
  await waitForSchema(pool, folder);
  write('0002_never', 'select 1;');
  const given = waitForSchema(pool, folder, { signal: AbortSignal.timeout(50) });
  await expect(given).rejects.toThrow();
  await pool.end();
});
