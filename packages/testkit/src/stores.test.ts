import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from './parts/postgres-replica.ts';
import { createTestDatabase, stores, type TestDatabase } from './stores.ts';

let migrations: string;
let database: TestDatabase;

beforeAll(async () => {
  migrations = mkdtempSync(join(tmpdir(), 'realmkeep-migrations-'));
  writeFileSync(join(migrations, '0001_notes.sql'), 'create table notes (id int primary key, text text);\n');
  database = await createTestDatabase({ migrations, name: 'notes' });
});

afterAll(async () => {
  await database?.drop();
  rmSync(migrations, { recursive: true });
});

const query = (url: string, sql: string) => withClient(url, async (client) => (await client.query(sql)).rows);

test('the runtime role writes rows on the primary and reads them on every replica', async () => {
  await query(database.primaryUrl, "insert into notes values (1, 'one')");
  await database.replicated();
  expect(database.replicaUrls).toHaveLength(2);
  for (const url of database.replicaUrls)
    expect(await query(url, 'select * from notes')).toEqual([{ id: 1, text: 'one' }]);
});

test('the runtime role changes no structure and enters no other database', async () => {
  const denied = [
    'drop table notes',
    'truncate notes',
    'create table more (id int)',
    'alter table notes add extra int',
  ];
  for (const sql of denied)
    await expect(query(database.primaryUrl, sql)).rejects.toThrow(/must be owner|permission denied/);
  const other = await createTestDatabase();
  const elsewhere = new URL(database.primaryUrl);
  elsewhere.pathname = new URL(other.primaryUrl).pathname;
  await expect(query(elsewhere.href, 'select 1')).rejects.toThrow('permission denied for database');
  await other.drop();
});

test('the Valkey cluster serves keys of every slot', async () => {
  const { valkey } = await stores();
  const nodes = valkey.nodes.map((node) => ({ host: '127.0.0.1', port: Number(node.split(':')[1]) }));
  const cluster = new Cluster(nodes, { redisOptions: { password: valkey.password } });
  const names = Array.from({ length: 30 }, () => crypto.randomUUID());
  await Promise.all(names.map((name) => cluster.set(name, '1', 'EX', 60)));
  expect(new Set(await Promise.all(names.map((name) => cluster.get(name))))).toEqual(new Set(['1']));
  cluster.disconnect();
});
