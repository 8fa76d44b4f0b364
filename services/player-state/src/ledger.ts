import { create } from '@bufbuild/protobuf';
import {
  type Transaction,
  type TransactionEntry,
  TransactionEntrySchema,
  TransactionSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/transaction';
import { timestampFromMicros } from './micros.ts';
import type { EntryRow, LedgerPlace, LedgerRow } from './repository/ledger.ts';

/** A transaction as the ledger keeps it. */
export function toTransaction({ transaction_id: transactionId, created, entries }: LedgerRow): Transaction {
  return create(TransactionSchema, {
    transactionId,
    createTime: timestampFromMicros(created),
    entries: entries.map(toEntry),
  });
}

function toEntry([
  operationIndex,
  playerId,
  currency,
  amount,
  itemId,
  gameItemId,
  quantity,
]: EntryRow): TransactionEntry {
  return create(TransactionEntrySchema, {
    operationIndex,
    playerId,
    currency: currency ?? '',
    amount: BigInt(amount ?? 0),
    itemId: itemId ?? '',
    gameItemId: gameItemId ?? '',
    quantity: BigInt(quantity ?? 0),
  });
}

/** Where the page after this transaction begins, as a page token carries it. */
export function cursorOf({ created, transaction_id }: LedgerRow): unknown {
  return [created, transaction_id];
}

/** The place that a cursor names. */
export function placeOf(cursor: unknown): LedgerPlace {
  const [created, transactionId] = cursor as [string, string];
  return { created, transactionId };
}
