import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilReplicated } from './database.ts';
import { freePort } from './ports.ts';
import { type PostgresCluster, startPostgres } from './postgres.ts';
import { withClient } from './postgres-replica.ts';

let folder: string;
let cluster: PostgresCluster;
const said: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-postgres-'));
  chmodSync(folder, 0o711);
  cluster = await startPostgres({
    folder: join(folder, 'postgres'),
    logs: join(folder, 'logs'),
    ports: [await freePort(), await freePort()],
    passwords: { superuser: "it's a/pass?word", replicator: "it's another" },
    fsync: false,
    say: (line) => said.push(line),
  });
  await query('create table facts (id int)');
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true });
});

function query(sql: string, url = cluster.primaryUrl()): Promise<unknown[]> {
  return withClient(url, async (client) => (await client.query(sql)).rows);
}

async function factsOfReplica(): Promise<unknown[]> {
  const [url] = cluster.replicaUrls() as [string];
  await untilReplicated(cluster.primaryUrl(), [url]);
  return query('select count(*)::int as facts, pg_is_in_recovery() as replica from facts', url);
}

test('a killed primary comes back with every acknowledged row, and its replica follows again', async () => {
  await query('insert into facts select generate_series(1, 100)');
  await cluster.primary.kill();
  await cluster.primary.start();
  await query('insert into facts values (101)');
  expect(await factsOfReplica()).toEqual([{ facts: 101, replica: true }]);
});

test('a replica whose WAL is gone is seeded again from the running primary', async () => {
  const [replica] = cluster.replicas as [PostgresCluster['primary']];
  await replica.stop();
  await query("select pg_drop_replication_slot('replica_1')");
  await query('insert into facts values (102)');
  await query('select pg_switch_wal()');
  await query('checkpoint');
  await replica.start();
  expect(await factsOfReplica()).toEqual([{ facts: 102, replica: true }]);
  expect(said).toContainEqual(expect.stringContaining('seeded again'));
});

test('a stale pid file does not keep the primary from starting', async () => {
  await cluster.primary.kill();
  expect(existsSync(join(folder, 'postgres', 'primary', 'postmaster.pid'))).toBe(true);
  await cluster.primary.start();
  expect(await query('select count(*)::int as facts from facts')).toEqual([{ facts: 102 }]);
});

test('without a password nobody gets in', async () => {
  const url = new URL(cluster.primaryUrl());
  url.password = 'wrong';
  await expect(query('select 1', url.href)).rejects.toThrow('password authentication failed');
});

test('the replica that a killed primary left behind is promoted, and the old primary follows it', async () => {
  const [replica] = cluster.replicas as [PostgresCluster['primary']];
  const old = cluster.primary;
  await query('insert into facts values (103)');
  await untilReplicated(cluster.primaryUrl(), cluster.replicaUrls());
  await old.kill();
  await cluster.promote(replica);
  expect([cluster.primary, ...cluster.replicas]).toEqual([replica, old]);
  await query('insert into facts values (104)');
  await old.start();
  expect(await factsOfReplica()).toEqual([{ facts: 104, replica: true }]);
});
