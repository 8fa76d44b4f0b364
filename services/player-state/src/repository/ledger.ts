import type { Reader, WalPosition } from '@realmkeep/kit/postgres/nodes';

/** One change, as `entry_json` gives it: 64-bit numbers as text. */
export type EntryRow = [
  operationIndex: number,
  playerId: string,
  currency: string | null,
  amount: string | null,
  itemId: string | null,
  gameItemId: string | null,
  quantity: string | null,
];

/** A committed transaction; `created` in microseconds. */
export type LedgerRow = { transaction_id: string; created: string; entries: EntryRow[] };

/** The transaction with the entries of all its parties; undefined when there is none. */
export async function findTransaction(
  node: Reader,
  transactionId: string,
): Promise<(LedgerRow & { player_ids: string[] }) | undefined> {
  const { rows } = await node.query<LedgerRow & { player_ids: string[] }>({
    name: 'ledger_transaction',
    text: 'select $1::uuid as transaction_id, created, player_ids::text[], entries from ledger_transaction($1)',
    values: [transactionId],
  });
  return rows[0];
}

/** A place in a player's ledger. */
export type LedgerPlace = { created: string; transactionId: string };

/** At most `limit` of a player's transactions below the place, newest first, and the WAL position of the node. */
export async function listTransactions(
  node: Reader,
  { playerId, below, limit }: { playerId: string; below: LedgerPlace | undefined; limit: number },
): Promise<{ rows: LedgerRow[]; wal: WalPosition; asOf: Date }> {
  type Row = { timeline: number; lsn: string; as_of: Date } & (LedgerRow | { transaction_id: null });
  const { rows } = await node.query<Row>({
    name: 'ledger_page',
    text: `select l.*, w.timeline, w.lsn::text, as_of() as as_of
      from wal_position() w left join ledger_page($1, $2, $3, $4) l on true
      order by l.created desc, l.transaction_id desc`,
    values: [playerId, below?.created ?? null, below?.transactionId ?? null, limit],
  });
  const { timeline, lsn, as_of: asOf } = rows[0]!;
  return { rows: rows.filter((row) => row.transaction_id !== null), wal: { timeline, lsn }, asOf };
}
