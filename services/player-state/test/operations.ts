import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OperationSchema } from '@realmkeep/proto/realmkeep/player_state/v1/transaction';

export type Operation = MessageInitShape<typeof OperationSchema>;

export const credit = (playerId: string, amount: bigint, currency = 'gold'): Operation => ({
  playerId,
  operation: { case: 'credit', value: { currency, amount } },
});
export const debit = (playerId: string, amount: bigint, currency = 'gold'): Operation => ({
  playerId,
  operation: { case: 'debit', value: { currency, amount } },
});
export const pay = (playerId: string, toPlayerId: string, amount: bigint, currency = 'gold'): Operation => ({
  playerId,
  operation: { case: 'transferCurrency', value: { toPlayerId, currency, amount } },
});
export const grant = (playerId: string, itemId: string, quantity = 1n, locationId = ''): Operation => ({
  playerId,
  operation: { case: 'grantItem', value: { itemId, quantity, locationId } },
});
export const consume = (playerId: string, which: { itemId: string } | { gameItemId: string }, quantity = 1n) =>
  ({ playerId, operation: { case: 'consumeItem', value: { ...which, quantity } } }) satisfies Operation;
export const give = (playerId: string, toPlayerId: string, gameItemId: string, quantity = 1n): Operation => ({
  playerId,
  operation: { case: 'transferItem', value: { toPlayerId, gameItemId, quantity } },
});

/** A request with a new id. */
export function transaction(...operations: Operation[]): { transactionId: string; operations: Operation[] } {
  return { transactionId: randomUUID(), operations };
}
