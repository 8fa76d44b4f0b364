import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { PlayerStateRow } from './players.ts';

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

/** A change, in the order in which the transaction made it; what it is not about is null or not there. */
export type AnswerLine = [
  operationIndex: number,
  playerId: string,
  playerVersion: string,
  currency: string | null,
  amount: string | null,
  amountLeft: string | null,
  itemId?: string,
  gameItemId?: string,
  quantity?: string,
  quantityLeft?: string,
  version?: string,
  kind?: string,
  created?: number,
];

/** What a committed transaction did, as it is stored; times in microseconds. */
export type StoredAnswer = { created: number; lines: AnswerLine[] };

export type Outcome = { answer: StoredAnswer; replayed?: true } | { reason: string; facts: Record<string, string> };

/**
 * Applies transactions of different ids, one after the other, in one round trip and one commit. Answers the outcome of each,
 * in their order, and the states that all the players named are left in.
 */
export async function applyTransactions(
  primary: Reader,
  calls: TransactionCall[],
  { inventoryLimit }: { inventoryLimit: number },
): Promise<{ outcomes: Outcome[]; states: PlayerStateRow[] }> {
  const { rows } = await primary.query<{ outcomes: Outcome[]; states: PlayerStateRow[] | null }>({
    name: 'apply_transactions',
    text: `select outcomes, states, case when replayed then ${commitBarrier} end
      from apply_transactions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    values: [
      calls.map(({ transactionId }) => transactionId),
      calls.map(({ contentHash }) => contentHash),
      endsOf(calls.map(({ operations }) => operations.kinds.length)),
      endsOf(calls.map(({ expectedPlayerIds }) => expectedPlayerIds.length)),
      calls.flatMap(({ operations }) => operations.kinds),
      calls.flatMap(({ operations }) => operations.playerIds),
      calls.flatMap(({ operations }) => operations.receiverIds),
      calls.flatMap(({ operations }) => operations.currencies),
      calls.flatMap(({ operations }) => operations.itemIds),
      calls.flatMap(({ operations }) => operations.gameItemIds),
      calls.flatMap(({ operations }) => operations.amounts),
      calls.flatMap(({ operations }) => operations.locationIds),
      calls.flatMap(({ expectedPlayerIds }) => expectedPlayerIds),
      calls.flatMap(({ expectedVersions }) => expectedVersions),
      inventoryLimit,
      TOUCH_LIMIT,
    ],
  });
  const { outcomes, states } = rows[0]!;
  return { outcomes, states: states ?? [] };
}

/** Where each of the parts ends that have these lengths and lie one after the other. */
function endsOf(lengths: number[]): number[] {
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return end;
  });
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
