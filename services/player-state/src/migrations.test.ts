import { readFile, writeFile } from 'node:fs/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import { dumpSchema } from '@realmkeep/testkit/schema-dump';
import { createTestDatabase, type TestDatabase } from '@realmkeep/testkit/stores';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '../test/pool.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { MIGRATIONS } from './migrations.ts';

const SCHEMA = new URL('../schema.sql', import.meta.url);
let database: TestDatabase;
let runtime: pg.Pool;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase({ migrations: MIGRATIONS, name: 'player_state' });
  runtime = openPool(database.primaryUrl, 2);
  owner = openPool(database.ownerUrl, 2);
});
afterAll(async () => {
  await runtime.end();
  await owner.end();
  await database.drop();
});

test('applying all migrations yields the checked-in schema.sql (UPDATE_SCHEMA=1 writes it)', async () => {
  const dump = await dumpSchema(database.ownerUrl);
  if (process.env.UPDATE_SCHEMA) await writeFile(SCHEMA, dump);
  expect(dump).toBe(await readFile(SCHEMA, 'utf8'));
});

test('Prisma models every table, and reads each', async () => {
  const prisma = new PrismaClient({ adapter: new PrismaPg(runtime) });
  const models = [
    prisma.player,
    prisma.item,
    prisma.gameItem,
    prisma.balance,
    prisma.transactionRequest,
    prisma.transaction,
    prisma.transactionEntry,
    prisma.outboxEvent,
    prisma.outboxTrim,
    prisma.session,
    prisma.sessionEvent,
    prisma.parkedSessionEvent,
  ] as unknown as { findMany(): Promise<unknown[]> }[];
  for (const model of models) expect(await model.findMany()).toBeInstanceOf(Array);
  const { rows } = await owner.query<{ relname: string }>(
    `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and not relispartition and relname not in ('heartbeat', 'schema_migrations')`,
  );
  expect(rows).toHaveLength(models.length);
});

test('the runtime role can not change the ledger, the partitions or the schema', async () => {
  const forbidden = [
    'update transaction_entries set amount = 1',
    'delete from transaction_entries',
    'delete from transactions',
    'delete from players',
    'delete from items',
    "update outbox set event = '{}'",
    'select * from transaction_requests_0',
    'create table mine ()',
    'drop table players',
    'alter table players add column x int',
  ];
  for (const statement of forbidden) {
    await expect.soft(runtime.query(statement), statement).rejects.toMatchObject({ code: '42501' });
  }
});

test('partitions of the ledger are made ahead, once, by any number of callers', async () => {
  await owner.query(`
    do $$ declare name text; begin
      for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('transactions'::regclass, 'transaction_entries'::regclass)
      loop execute format('drop table %I', name); end loop;
    end $$`);
  const insert = 'insert into transactions values (gen_random_uuid(), now(), array[]::uuid[])';
  // Refused, not lost.
  await expect(runtime.query(insert)).rejects.toMatchObject({ code: '23514' });
  const made = await Promise.all([1, 2].map(() => runtime.query('select ensure_ledger_partitions() as made')));
  expect(made.map(({ rows }) => rows[0].made).sort()).toEqual([0, 6]);
  await runtime.query(insert);
});
