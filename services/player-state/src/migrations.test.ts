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

/** The lines of the generic plan. */
async function plan(text: string, values: unknown[]): Promise<string[]> {
  const client = await owner.connect();
  try {
    await client.query('begin; set local plan_cache_mode = force_generic_plan');
    await client.query(`prepare hot as ${text}`);
    const given = values.map((value) => (value === null ? 'null' : client.escapeLiteral(String(value)))).join(', ');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (costs off) execute hot(${given})`);
    return rows.map((row) => row['QUERY PLAN'].trim());
  } finally {
    await client.query('rollback; deallocate all');
    client.release();
  }
}

const ROWS = `
  truncate transactions;
  insert into players (player_id, display_name, outbox_xid, outbox_id, created_at, updated_at)
    select gen_random_uuid(), 'p', 1, 1, now(), now() from generate_series(1, 5000);
  insert into items (item_id, name, kind) select 'i' || n, 'i', 'k' from generate_series(1, 1000) n;
  insert into balances select player_id, c, 5 from players, unnest(array['gold', 'gems']) c;
  insert into game_items (owner_id, item_id, quantity, created_at)
    select player_id, 'i' || n, 1, now() from players, generate_series(1, 5) n order by n;
  insert into outbox (event) select '{}' from generate_series(1, 5000);
  insert into transaction_requests select gen_random_uuid(), '', '{}' from generate_series(1, 5000);
  insert into transactions select transaction_id, now(), array[gen_random_uuid()] from transaction_requests;
  insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount)
    select t.player_ids[1], t.created_at, t.transaction_id, n, n, 'gold', 1 from transactions t, generate_series(1, 3) n;
  analyze`;

test('the hot queries go by one index each', async () => {
  await owner.query(ROWS);
  const id = '00000000-0000-4000-8000-000000000001';
  const states = (await plan('select * from player_states($1)', [`{${id}}`])).join('\n');
  for (const index of ['players_pkey', 'balances_pkey', 'game_items_owner', 'items_pkey'])
    expect(states).toContain(index);
  expect(states).not.toMatch(/Seq Scan/);

  const outbox = await plan(
    `select * from outbox where (xid, id) > ($1::bigint, $2::bigint) and xid < $3::bigint
     order by xid, id limit 500`,
    [1, 1, 5],
  );
  expect(outbox.filter((line) => /Scan|Sort/.test(line))).toEqual(['->  Index Scan using outbox_pkey on outbox']);
});

test('a page of a long ledger costs the same wherever it is, and so does one transaction', async () => {
  const player = '00000000-0000-4000-8000-000000000002';
  await owner.query(
    `insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount)
     select '${player}', now() + n * interval '1 millisecond', gen_random_uuid(), 1, 0, 'gold', 1
     from generate_series(1, 20000) n`,
  );
  const blocks = async (call: string) => {
    const { rows } = await owner.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select * from ${call}`,
    );
    const { Plan: counted } = rows[0]!['QUERY PLAN'][0];
    return counted['Shared Hit Blocks']! + counted['Shared Read Blocks']!;
  };
  // A page of 20 steps twice for each transaction, through an index a few blocks deep in each partition.
  for (const before of ['null', "micros(now() + interval '10 seconds')"]) {
    expect.soft(await blocks(`ledger_page('${player}', ${before}, null, 20)`), before).toBeLessThan(1_000);
  }
  expect(await blocks('ledger_transaction((select transaction_id from transactions limit 1))')).toBeLessThan(200);
});
