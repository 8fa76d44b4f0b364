import { unavailable } from '@realmkeep/kit/errors/common';
import { defineRefusals } from '@realmkeep/kit/errors/refusals';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import pg from 'pg';

/** Every refusal of this service. */
export const refuse = defineRefusals('player-state.realmkeep', {
  PLAYER_NOT_FOUND: 'NOT_FOUND',
  PLAYER_ID_REUSED: 'ALREADY_EXISTS',
  VERSION_NOT_REACHED: 'FAILED_PRECONDITION',
  ITEM_NOT_FOUND: 'NOT_FOUND',
  ITEM_ID_REUSED: 'ALREADY_EXISTS',
  INSUFFICIENT_BALANCE: 'FAILED_PRECONDITION',
  INSUFFICIENT_ITEMS: 'FAILED_PRECONDITION',
  BALANCE_LIMIT: 'FAILED_PRECONDITION',
  INVENTORY_FULL: 'FAILED_PRECONDITION',
  TOO_MANY_ITEMS: 'FAILED_PRECONDITION',
  VERSION_MISMATCH: 'ABORTED',
  TRANSACTION_ID_REUSED: 'ALREADY_EXISTS',
  TRANSACTION_NOT_FOUND: 'NOT_FOUND',
  PAGE_TOKEN_INVALID: 'INVALID_ARGUMENT',
  SESSION_NOT_FOUND: 'NOT_FOUND',
  SESSION_ENDED: 'FAILED_PRECONDITION',
  SESSION_ID_REUSED: 'ALREADY_EXISTS',
});

// What stored functions raise: the reason as the message, the facts as a JSON object of strings in the detail.
const REFUSED = 'RK001';

const MESSAGES = {
  PLAYER_NOT_FOUND: 'a player does not exist',
  ITEM_NOT_FOUND: 'a catalog item does not exist',
  INSUFFICIENT_BALANCE: 'a balance holds less than is taken',
  INSUFFICIENT_ITEMS: 'a player holds fewer things than are taken',
  BALANCE_LIMIT: 'a balance would pass the greatest amount',
  INVENTORY_FULL: 'a player would hold more things than allowed',
  TOO_MANY_ITEMS: 'the transaction touches more things than allowed',
  VERSION_MISMATCH: 'a player has another version than expected; read again and retry',
  TRANSACTION_ID_REUSED: 'the transaction id was used with other content',
  SESSION_NOT_FOUND: 'the session does not exist',
  SESSION_ID_REUSED: 'the session id was used with other content',
} as const satisfies Partial<Record<keyof typeof refuse, string>>;

/** How long a caller waits before a write that met too much is made again. */
export const RETRY_DELAY_MS = 1_000;
const CHECK_VIOLATION = '23514';

/** Whether the ledger lacks the partition of the write's month. */
export function isPartitionMissing(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION && error.constraint === undefined;
}

/** The refusal that a stored function decided on. */
export function refusalOf(reason: string, facts: Record<string, string>): RpcError {
  if (!(reason in MESSAGES)) throw new Error(`a stored function refused for an unknown reason: ${reason}`);
  const known = reason as keyof typeof MESSAGES;
  return refuse[known](MESSAGES[known], facts);
}

/** What the caller hears of a database's error: the refusal that was raised, or UNAVAILABLE while the ledger can not be written. */
export function toRefusal(error: unknown): unknown {
  if (error instanceof RpcError) return error;
  if (error instanceof pg.DatabaseError && error.code === REFUSED) {
    return refusalOf(error.message, JSON.parse(error.detail ?? '{}') as Record<string, string>);
  }
  if (isPartitionMissing(error)) return unavailable('the ledger has no partition for this month', RETRY_DELAY_MS);
  return error;
}
