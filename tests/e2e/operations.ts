import type { MessageInitShape } from '@bufbuild/protobuf';
import type { OperationSchema } from '@realmkeep/proto/realmkeep/player_state/v1/transaction';

/** One operation of a transaction, as a caller writes it. */
export type Operation = MessageInitShape<typeof OperationSchema>;

/** Adds gold to a player's balance. */
export function credit(playerId: string, amount: bigint): Operation {
  return { playerId, operation: { case: 'credit', value: { currency: 'gold', amount } } };
}

/** Takes gold from a player's balance. */
export function debit(playerId: string, amount: bigint): Operation {
  return { playerId, operation: { case: 'debit', value: { currency: 'gold', amount } } };
}

/** Moves gold between players. */
export function pay(playerId: string, toPlayerId: string, amount: bigint): Operation {
  return { playerId, operation: { case: 'transferCurrency', value: { toPlayerId, currency: 'gold', amount } } };
}

/** Gives new things, at a place or nowhere. */
export function grant(playerId: string, itemId: string, quantity: bigint, locationId = ''): Operation {
  return { playerId, operation: { case: 'grantItem', value: { itemId, quantity, locationId } } };
}

/** Gives a thing to another player. */
export function handOver(playerId: string, toPlayerId: string, gameItemId: string): Operation {
  return { playerId, operation: { case: 'transferItem', value: { toPlayerId, gameItemId, quantity: 1n } } };
}
