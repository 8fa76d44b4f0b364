import type { ClientBase } from 'pg';
import type { CatalogItem } from './catalog.ts';
import { type Cell, copyRows } from './copy.ts';
import type { SeededPlayer } from './player.ts';

/**
 * Adds what is missing of the catalog and answers how many items that were, and the whole of it as the database has
 * it, in the given order: an item that was there before keeps its name and stack size.
 */
export async function loadCatalog(
  client: ClientBase,
  wanted: CatalogItem[],
): Promise<{ added: number; catalog: CatalogItem[] }> {
  const ids = wanted.map((item) => item.itemId);
  const { rowCount } = await client.query(
    `insert into items (item_id, name, kind, max_stack)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) on conflict do nothing`,
    [ids, wanted.map((item) => item.name), wanted.map((item) => item.kind), wanted.map((item) => item.maxStack)],
  );
  const { rows } = await client.query<{
    item_id: string;
    name: string;
    kind: string;
    max_stack: string;
    version: string;
  }>(
    'select item_id, name, kind, max_stack, version from items where item_id = any ($1) order by array_position($1, item_id)',
    [ids],
  );
  const catalog = rows.map((row) => ({
    itemId: row.item_id,
    name: row.name,
    kind: row.kind,
    maxStack: Number(row.max_stack),
    version: Number(row.version),
  }));
  return { added: rowCount ?? 0, catalog };
}

/** The earliest time that the ledger has a partition for in this month: the month's beginning. */
export function monthBegin(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
}

/** The ids of those players that the database does not have. */
export async function missingPlayers(client: ClientBase, playerIds: string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ player_id: string }>(
    'select id as player_id from unnest($1::uuid[]) as id where not exists (select from players where player_id = id)',
    [playerIds],
  );
  return new Set(rows.map((row) => row.player_id));
}

/**
 * Loads players with their balances, things and ledger in one transaction. Nothing is put into the outbox: whoever
 * follows it is loaded with the same things apart, and the players' outbox position says that nothing is owed.
 */
export async function loadPlayers(client: ClientBase, players: SeededPlayer[]): Promise<void> {
  if (players.length === 0) {
    return;
  }
  await client.query('begin');
  await copyRows(
    client,
    'players',
    ['player_id', 'display_name', 'version', 'item_count', 'outbox_xid', 'outbox_id', 'created_at', 'updated_at'],
    players.map(({ playerId, displayName, transactions, items, createdAt }) => {
      const version = 1 + transactions.length;
      return [playerId, displayName, version, items.length, 0, 0, createdAt, transactions.at(-1)?.at ?? createdAt];
    }),
  );
  await copyRows(
    client,
    'balances',
    ['player_id', 'currency', 'amount'],
    players.flatMap(({ playerId, balances }) => balances.map((it) => [playerId, it.currency, it.amount])),
  );
  // Rows go in by time, not by player: a player's rows are scattered over pages as they are where people play.
  await copyRows(
    client,
    'game_items',
    ['created_at', 'game_item_id', 'owner_id', 'item_id', 'quantity', 'version', 'granted_location_id'],
    byTime(
      players.flatMap(({ playerId, items }) =>
        items.map((it): [Date, ...Cell[]] => [
          it.at,
          it.gameItemId,
          playerId,
          it.item.itemId,
          it.quantity,
          it.version,
          it.place?.locationId,
        ]),
      ),
    ),
  );
  await copyRows(
    client,
    'transactions',
    ['created_at', 'transaction_id', 'player_ids'],
    byTime(
      players.flatMap(({ playerId, transactions }) =>
        transactions.map((it): [Date, ...Cell[]] => [it.at, it.transactionId, `{${playerId}}`]),
      ),
    ),
  );
  await copyRows(client, 'transaction_entries', entryColumns, byTime(players.flatMap(entryRows)));
  await client.query('commit');
}

const entryColumns = [
  'created_at',
  'player_id',
  'transaction_id',
  'entry_no',
  'operation_index',
  'currency',
  'amount',
  'item_id',
  'game_item_id',
  'quantity',
];

function entryRows({ playerId, transactions }: SeededPlayer): [Date, ...Cell[]][] {
  return transactions.flatMap(({ at, transactionId, entries }) =>
    entries.map((entry, index): [Date, ...Cell[]] => [
      at,
      playerId,
      transactionId,
      index + 1,
      index,
      ...('currency' in entry
        ? [entry.currency, entry.amount, undefined, undefined, undefined]
        : [undefined, undefined, entry.item.itemId, entry.gameItemId, entry.quantity]),
    ]),
  );
}

function byTime(rows: [Date, ...Cell[]][]): Cell[][] {
  return rows.sort((a, b) => a[0].getTime() - b[0].getTime());
}
