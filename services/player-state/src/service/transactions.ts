import { createBatches } from '@realmkeep/kit/batches';
import { invalidArgument } from '@realmkeep/kit/errors/common';
import { isConflict, sqlState } from '@realmkeep/kit/postgres/errors';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { WatchHub } from '@realmkeep/kit/watch/hub';
import type {
  ApplyTransactionRequest,
  ApplyTransactionResponse,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { StateCache } from '../cache.ts';
import { isPartitionMissing, refusalOf, toRefusal } from '../errors.ts';
import {
  applyTransactions,
  ensureLedgerPartitions,
  type Outcome,
  type TransactionCall,
} from '../repository/transactions.ts';
import { toAnswer, toTransactionCall, violationsOf } from '../transaction.ts';

export type Transactions = ReturnType<typeof createTransactions>;

/** The most transactions of one commit, and the most commits in work: more transactions share one. */
const SIZE = 32;
const COMMITS = 4;
/** How often a commit that met another one is made again before the callers hear of it. */
const MOST_TRIES = 5;

type Waiting = { call: TransactionCall; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void };

/**
 * Applies transactions. Those that come while commits are in work share the next one: each is still all or nothing by
 * itself, and is answered after the commit.
 */
export function createTransactions({
  postgres,
  states,
  watches,
  inventoryLimit,
}: {
  postgres: Pick<PostgresNodes, 'write'>;
  states: Pick<StateCache, 'keep'>;
  watches: Pick<WatchHub, 'changed'>;
  /** Game items that a player holds at most. */
  inventoryLimit: number;
}) {
  const batches = createBatches<Waiting>({ run, size: SIZE, most: COMMITS });

  async function run(waiting: Waiting[]): Promise<void> {
    const batch = new Map(waiting.map((each) => [each.call.transactionId, each]));
    // The repeats of one id meet their first in a later commit.
    batches.add(waiting.filter((each) => batch.get(each.call.transactionId) !== each));
    await settle([...batch.values()]);
  }

  async function settle(batch: Waiting[]): Promise<void> {
    try {
      const outcomes = await commit(batch.map(({ call }) => call));
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]!);
    } catch (error) {
      // One that the database fails at must not fail the others.
      if (batch.length > 1 && sqlState(error)) await Promise.all(batch.map((each) => settle([each])));
      else for (const { reject } of batch) reject(error);
    }
  }

  async function commit(calls: TransactionCall[]): Promise<Outcome[]> {
    const { outcomes, states: left } = await apply(calls);
    // Also those of repeats and refusals: the writer of what they are may have died before it came to this.
    await states.keep(left);
    for (const { player_id: playerId, version } of left) watches.changed(playerId, BigInt(version));
    return outcomes;
  }

  async function apply(calls: TransactionCall[]) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await postgres.write((primary) => applyTransactions(primary, calls, { inventoryLimit }), {
          idempotent: true,
        });
      } catch (error) {
        if (tries === MOST_TRIES) throw error;
        if (isPartitionMissing(error)) {
          // Where none can be made, the caller hears what is missing rather than why.
          await postgres.write(ensureLedgerPartitions, { idempotent: true }).catch(() => Promise.reject(error));
        } else if (!isConflict(error)) throw error;
      }
    }
  }

  return {
    async apply(request: ApplyTransactionRequest): Promise<ApplyTransactionResponse> {
      const violations = violationsOf(request);
      if (violations.length > 0) throw invalidArgument(violations);
      const call = toTransactionCall(request);
      const outcome = await new Promise<Outcome>((resolve, reject) => batches.add([{ call, resolve, reject }])).catch(
        (error: unknown) => Promise.reject(toRefusal(error)),
      );
      if ('reason' in outcome) throw refusalOf(outcome.reason, outcome.facts);
      return toAnswer(call.transactionId, outcome.answer, outcome.replayed ?? false);
    },
  };
}
