import type { JsonValue } from '@bufbuild/protobuf';
import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** The operations of a transaction, side by side: operation i is made of the i-th elements. */
export type OperationColumns = {
  kinds: string[];
  playerIds: string[];
  receiverIds: (string | null)[];
  currencies: (string | null)[];
  itemIds: (string | null)[];
  gameItemIds: (string | null)[];
  amounts: string[];
  locationIds: (string | null)[];
};

export type TransactionCall = {
  transactionId: string;
  contentHash: Buffer;
  operations: OperationColumns;
  expectedPlayerIds: string[];
  expectedVersions: string[];
};

/** The most game items that one transaction may touch. */
const TOUCH_LIMIT = 1_000;

/**
 * Applies a transaction in one round trip; the answer is an ApplyTransactionResponse in the protobuf JSON form. A refusal
 * is an error with SQLSTATE RK001.
 */
export async function applyTransaction(
  primary: Reader,
  { transactionId, contentHash, operations, expectedPlayerIds, expectedVersions }: TransactionCall,
  { inventoryLimit }: { inventoryLimit: number },
): Promise<{ answer: JsonValue; replayed: boolean }> {
  const { rows } = await primary.query<{ answer: JsonValue; replayed: boolean }>({
    name: 'apply_transaction',
    text: `select answer, replayed, case when replayed then ${commitBarrier} end
      from apply_transaction($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      transactionId,
      contentHash,
      operations.kinds,
      operations.playerIds,
      operations.receiverIds,
      operations.currencies,
      operations.itemIds,
      operations.gameItemIds,
      operations.amounts,
      operations.locationIds,
      expectedPlayerIds,
      expectedVersions,
      inventoryLimit,
      TOUCH_LIMIT,
    ],
  });
  return rows[0]!;
}

/** The players of transactions that were committed in the last `ms` milliseconds, each once, the latest first. */
export async function recentlyWritten(primary: Reader, ms: number): Promise<string[]> {
  const { rows } = await primary.query<{ player_id: string }>({
    name: 'recently_written',
    // By the requests, whose times have an index.
    text: `select w.player_id from (
        select unnest(t.player_ids) as player_id, t.created_at
        from transaction_requests r
          join transactions t on t.transaction_id = r.transaction_id and t.created_at = r.created_at
        where r.created_at > now() - make_interval(secs => $1) and t.created_at > now() - make_interval(secs => $1)
      ) w
      group by w.player_id order by max(w.created_at) desc`,
    values: [ms / 1_000],
  });
  return rows.map((row) => row.player_id);
}

/** Makes the ledger's partitions of this month and the next two; answers how many tables were missing. */
export async function ensureLedgerPartitions(primary: Reader): Promise<number> {
  const { rows } = await primary.query<{ made: number }>({
    name: 'ensure_ledger_partitions',
    text: 'select ensure_ledger_partitions() as made',
    values: [],
  });
  return rows[0]!.made;
}

/** Deletes at most `limit` stored answers that are older, those apart that another call is deleting; answers how many. */
export async function trimRequests(primary: Reader, days: number, limit: number): Promise<number> {
  const { rowCount } = await primary.query({
    name: 'trim_requests',
    text: `delete from transaction_requests r where r.transaction_id = any (array(
      select o.transaction_id from transaction_requests o
      where o.created_at < now() - make_interval(days => $1) limit $2
      for update skip locked
    )) and r.created_at < now() - make_interval(days => $1)`,
    values: [days, limit],
  });
  return rowCount ?? 0;
}
