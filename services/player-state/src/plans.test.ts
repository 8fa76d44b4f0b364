import { randomUUID } from 'node:crypto';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { createTestDatabase, stores, type TestDatabase } from '@realmkeep/testkit/stores';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '../test/pool.ts';
import { MIGRATIONS } from './migrations.ts';
import { findItem, listItems, searchItems } from './repository/items.ts';
import { findTransaction, listTransactions } from './repository/ledger.ts';
import { readOutbox } from './repository/outbox.ts';
import { createPlayer, findPlayerStates, updatePlayer } from './repository/players.ts';
import { readSessionEvents } from './repository/session-events.ts';
import {
  endSession,
  findLastSessions,
  findSession,
  renewSessions,
  startSession,
  sweepSessions,
} from './repository/sessions.ts';
import { readChunk } from './repository/snapshot.ts';
import { applyTransactions, type OperationColumns } from './repository/transactions.ts';

let database: TestDatabase;
let owner: pg.Pool;

const ROWS = `
  truncate transactions;
  insert into players (player_id, display_name, item_count, outbox_xid, outbox_id, created_at, updated_at)
    select gen_random_uuid(), 'p', 5, 1, 1, now(), now() from generate_series(1, 5000);
  insert into items (item_id, name, kind) select 'i' || n, 'i', 'k' from generate_series(1, 1000) n;
  insert into balances select player_id, c, 5 from players, unnest(array['gold', 'gems']) c;
  insert into game_items (owner_id, item_id, quantity, created_at)
    select player_id, 'i' || n, 1, now() from players, generate_series(1, 5) n order by n;
  insert into outbox (event) select '{}' from generate_series(1, 5000);
  insert into transaction_requests select gen_random_uuid(), '', '{}' from generate_series(1, 5000);
  insert into transactions select transaction_id, now(), array[gen_random_uuid()] from transaction_requests;
  insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount)
    select t.player_ids[1], t.created_at, t.transaction_id, n, n, 'gold', 1 from transactions t, generate_series(1, 3) n;
  insert into sessions (session_id, player_id, area_code, multiplayer_mode, started_at, last_seen_at, lease_until, ended_at)
    select gen_random_uuid(), p.player_id, '111', 'royale', at, at, at + interval '1 minute',
      case when n > 0 then at + interval '1 second' end
    from players p, generate_series(0, 2) n, lateral (select now() - n * interval '1 hour' as at) t;
  insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
    select player_id, area_code, multiplayer_mode, 'LOGIN', started_at from sessions;
  analyze`;

beforeAll(async () => {
  database = await createTestDatabase({ migrations: MIGRATIONS, name: 'player_state' });
  owner = openPool(database.ownerUrl, 1);
  await owner.query(ROWS);
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

type PlanNode = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: PlanNode[] };

/** Tables of one row. */
const SINGLE = ['heartbeat', 'outbox_trim'];

/** What a plan reads: indexes, and tables from end to end; a partition's by the name of its table's. */
function readsOf(node: PlanNode): string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index, Plans = [] } = node;
  const name = type === 'Seq Scan' && !SINGLE.includes(table ?? '') ? `all of ${table}` : index;
  const reads = Plans.flatMap(readsOf);
  return name ? [name.replace(/_(\d{4}_\d{2}|\d)(?=_|$)/, ''), ...reads] : reads;
}

/** Runs the call on a connection that tells the plans of all statements, those inside functions too; answers its reads. */
async function reads(call: (node: Reader) => Promise<unknown>): Promise<string[]> {
  const { primaryUrl } = await stores();
  const seen = new Set<string>();
  const pool = openPool(new URL(new URL(database.ownerUrl).pathname, primaryUrl).href, 1);
  pool.on('connect', (client) => {
    client.on('notice', ({ message = '' }) => {
      const [, json] = message.split('plan:\n');
      if (json) for (const read of readsOf((JSON.parse(json) as { Plan: PlanNode }).Plan)) seen.add(read);
    });
  });
  const node: Reader = {
    pool,
    source: 'primary',
    query: (statement) => pool.query(statement),
    transaction: () => Promise.reject(new Error('these are single statements')),
  };
  try {
    await pool.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_level = notice;
      set auto_explain.log_nested_statements = on; set auto_explain.log_format = json; set log_min_messages = panic;
      set plan_cache_mode = force_generic_plan`);
    await call(node);
  } finally {
    await pool.end();
  }
  return [...seen].toSorted();
}

const OPERATION = {
  kind: 'credit',
  player: '',
  receiver: null as string | null,
  currency: null as string | null,
  itemId: null as string | null,
  gameItemId: null as string | null,
  amount: '1',
};

function columns(operations: Partial<typeof OPERATION>[]): OperationColumns {
  const all = operations.map((operation) => ({ ...OPERATION, ...operation }));
  return {
    kinds: all.map(({ kind }) => kind),
    playerIds: all.map(({ player }) => player),
    receiverIds: all.map(({ receiver }) => receiver),
    currencies: all.map(({ currency }) => currency),
    itemIds: all.map(({ itemId }) => itemId),
    gameItemIds: all.map(({ gameItemId }) => gameItemId),
    amounts: all.map(({ amount }) => amount),
    locationIds: all.map(() => null),
  };
}

test('every hot call reads each of its tables by one index', async () => {
  const { rows } = await owner.query<{ owner_id: string; game_item_id: string }>(
    'select distinct on (owner_id) owner_id, game_item_id from game_items order by owner_id limit 2',
  );
  const [{ owner_id: ada, game_item_id: thing }, { owner_id: bob }] = rows as [(typeof rows)[0], (typeof rows)[0]];
  const transactionId = randomUUID();
  const operations = columns([
    { kind: 'credit', player: ada, currency: 'gold' },
    { kind: 'debit', player: ada, currency: 'gold' },
    { kind: 'transfer_currency', player: ada, receiver: bob, currency: 'gold' },
    { kind: 'grant_item', player: ada, itemId: 'i1' },
    { kind: 'consume_item', player: ada, itemId: 'i2' },
    { kind: 'transfer_item', player: ada, receiver: bob, gameItemId: thing },
  ]);
  const contentHash = Buffer.alloc(32);
  const call = { transactionId, contentHash, operations, expectedPlayerIds: [], expectedVersions: [] };
  const apply = (node: Reader) => applyTransactions(node, [call], { inventoryLimit: 2_000 });

  expect
    .soft(await reads(apply))
    .toEqual([
      'balances_pkey',
      'game_items_owner',
      'game_items_pkey',
      'items_pkey',
      'players_pkey',
      'transaction_requests_pkey',
    ]);
  expect
    .soft(await reads(apply), 'again')
    .toEqual(['balances_pkey', 'game_items_owner', 'items_pkey', 'players_pkey', 'transaction_requests_pkey']);
  const table: [string, (node: Reader) => Promise<unknown>, string[]][] = [
    ['create a player', (node) => createPlayer(node, randomUUID(), 'p'), ['players_pkey']],
    ['rename a player', (node) => updatePlayer(node, ada, 'q', 0n), ['players_pkey']],
    [
      'read players',
      (node) => findPlayerStates(node, [ada, bob]),
      ['balances_pkey', 'game_items_owner', 'items_pkey', 'players_pkey'],
    ],
    [
      'read a transaction',
      (node) => findTransaction(node, transactionId),
      ['transaction_entries_pkey', 'transaction_requests_pkey', 'transactions_pkey'],
    ],
    [
      'page the ledger',
      (node) => listTransactions(node, { playerId: ada, below: undefined, limit: 20 }),
      ['transaction_entries_pkey'],
    ],
    ['read an item', (node) => findItem(node, 'i1'), ['items_pkey']],
    ['list items', (node) => listItems(node, 'i1', 20), ['items_pkey']],
    [
      'search items',
      (node) => searchItems(node, 'i9', 1_000),
      ['items_by_id_text', 'items_by_name_text', 'items_by_trigrams', 'items_pkey'],
    ],
    ['follow the outbox', (node) => readOutbox(node, { xid: 1n, id: 1n }, 500), ['outbox_pkey']],
    ['chunk players', (node) => readChunk(node, 'players', ada, 500), ['players_pkey']],
    ['chunk things', (node) => readChunk(node, 'game_items', thing, 500), ['game_items_pkey']],
  ];
  for (const [name, each, expected] of table) expect.soft(await reads(each), name).toEqual(expected);
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

test('every hot call about sessions reads by one index', async () => {
  const { rows } = await owner.query<{ session_id: string; player_id: string }>(
    'select session_id, player_id from sessions where ended_at is null order by session_id limit 1000',
  );
  const [{ session_id: first, player_id: ada }] = rows as [(typeof rows)[0]];
  const next = { sessionId: randomUUID(), playerId: ada, areaCode: '222', multiplayerMode: 'royale' };
  const heard = rows.map(({ session_id: sessionId }) => ({ sessionId, ageMs: 5 }));
  const table: [string, (node: Reader) => Promise<unknown>, string[]][] = [
    ['renew', (node) => renewSessions(node, heard, 60_000), ['sessions_pkey']],
    ['renew one', (node) => renewSessions(node, heard.slice(0, 1), 60_000), ['sessions_pkey']],
    ['find', (node) => findSession(node, first), ['sessions_pkey']],
    ['presence', (node) => findLastSessions(node, [ada]), ['sessions_player']],
    ['start', (node) => startSession(node, next, 60_000), ['players_pkey', 'sessions_pkey', 'sessions_player']],
    ['end', (node) => endSession(node, first, ada), ['sessions_pkey']],
    ['sweep', (node) => sweepSessions(node, 1_000), ['sessions_lease', 'sessions_pkey']],
    ['deliver', (node) => readSessionEvents(node, '0', 500), ['session_events_pkey']],
  ];
  for (const [name, call, indexes] of table) expect.soft(await reads(call), name).toEqual(indexes);
});
