import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { FieldViolation } from '@realmkeep/kit/errors/common';
import {
  type Balance,
  BalanceSchema,
  type GameItem,
  GameItemSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player';
import {
  type ApplyTransactionRequest,
  ApplyTransactionRequestSchema,
  type ApplyTransactionResponse,
  ApplyTransactionResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { Operation } from '@realmkeep/proto/realmkeep/player_state/v1/transaction';
import { timestampFromMicros } from './micros.ts';
import type { OperationColumns, StoredAnswer, TransactionCall } from './repository/transactions.ts';

/** The rules of a transaction that its schema can not say. */
export function violationsOf({ operations, expectedVersions }: ApplyTransactionRequest): FieldViolation[] {
  const violations: FieldViolation[] = [];
  const touched = new Set<string>();
  for (const [index, { playerId, operation }] of operations.entries()) {
    touched.add(playerId.toLowerCase());
    if (operation.case !== 'transferCurrency' && operation.case !== 'transferItem') continue;
    const receiver = operation.value.toPlayerId.toLowerCase();
    touched.add(receiver);
    if (receiver !== playerId.toLowerCase()) continue;
    const field = operation.case === 'transferItem' ? 'transfer_item' : 'transfer_currency';
    violations.push({
      field: `operations[${index}].${field}.to_player_id`,
      description: 'must be another player than the giver',
    });
  }
  const expected = new Set<string>();
  for (const [index, { playerId }] of expectedVersions.entries()) {
    const player = playerId.toLowerCase();
    const field = `expected_versions[${index}].player_id`;
    if (!touched.has(player)) violations.push({ field, description: 'must be a player that an operation touches' });
    if (expected.has(player)) violations.push({ field, description: 'must not be named twice' });
    expected.add(player);
  }
  return violations;
}

/** The part of a call of `apply_transactions` that a request without violations asks for. UUIDs are lower-cased in place. */
export function toTransactionCall(request: ApplyTransactionRequest): TransactionCall {
  lowerCaseIds(request);
  const { transactionId, operations, expectedVersions } = request;
  const columns: OperationColumns = {
    kinds: [],
    playerIds: [],
    receiverIds: [],
    currencies: [],
    itemIds: [],
    gameItemIds: [],
    amounts: [],
    locationIds: [],
  };
  for (const { playerId, operation } of operations) {
    const row = rowOf(operation);
    columns.kinds.push(row.kind);
    columns.playerIds.push(playerId);
    columns.receiverIds.push(row.receiverId ?? null);
    columns.currencies.push(row.currency ?? null);
    columns.itemIds.push(row.itemId || null);
    columns.gameItemIds.push(row.gameItemId || null);
    columns.amounts.push(row.amount.toString());
    columns.locationIds.push(row.locationId || null);
  }
  return {
    transactionId,
    contentHash: hashOf(request),
    operations: columns,
    expectedPlayerIds: expectedVersions.map(({ playerId }) => playerId),
    expectedVersions: expectedVersions.map(({ version }) => version.toString()),
  };
}

/** The answer from what is stored of it: each player's balances and things as the last change of each left them. */
export function toAnswer(
  transactionId: string,
  { created, lines }: StoredAnswer,
  replayed: boolean,
): ApplyTransactionResponse {
  const states = new Map<string, { version: bigint; balances: Map<string, Balance>; items: Map<string, GameItem> }>();
  for (const [, playerId, version, currency, , amountLeft, ...thing] of lines) {
    let state = states.get(playerId);
    if (!state) {
      state = { version: BigInt(version), balances: new Map(), items: new Map() };
      states.set(playerId, state);
    }
    if (currency !== null) {
      state.balances.set(currency, create(BalanceSchema, { currency, amount: BigInt(amountLeft!) }));
    } else {
      const [itemId, gameItemId, , quantityLeft, itemVersion, kind, createdAt] = thing;
      const item = create(GameItemSchema, {
        itemId: itemId!,
        gameItemId: gameItemId!,
        quantity: BigInt(quantityLeft!),
        version: BigInt(itemVersion!),
        kind: kind!,
        createTime: timestampFromMicros(createdAt!),
      });
      state.items.set(gameItemId!, item);
    }
  }
  return create(ApplyTransactionResponseSchema, {
    transaction: {
      transactionId,
      createTime: timestampFromMicros(created),
      entries: lines.map(([operationIndex, playerId, , currency, amount, , itemId, gameItemId, quantity]) =>
        currency !== null
          ? { operationIndex, playerId, currency, amount: BigInt(amount!) }
          : { operationIndex, playerId, itemId: itemId!, gameItemId: gameItemId!, quantity: BigInt(quantity!) },
      ),
    },
    states: byKey(states).map(([playerId, { version, balances, items }]) => ({
      playerId,
      version,
      balances: byKey(balances).map(([, balance]) => balance),
      items: byKey(items).map(([, item]) => item),
    })),
    replayed,
  });
}

function byKey<T>(things: Map<string, T>): [string, T][] {
  return [...things].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Everything but the id, in the one encoding that equal contents have. */
function hashOf({ operations, expectedVersions }: ApplyTransactionRequest): Buffer {
  const content = create(ApplyTransactionRequestSchema, { operations, expectedVersions });
  return createHash('sha256')
    .update(toBinary(ApplyTransactionRequestSchema, content, { writeUnknownFields: false }))
    .digest();
}

function lowerCaseIds(request: ApplyTransactionRequest): void {
  request.transactionId = request.transactionId.toLowerCase();
  for (const expected of request.expectedVersions) expected.playerId = expected.playerId.toLowerCase();
  for (const operation of request.operations) {
    operation.playerId = operation.playerId.toLowerCase();
    const { case: kind, value } = operation.operation;
    if (kind === 'transferCurrency' || kind === 'transferItem') value.toPlayerId = value.toPlayerId.toLowerCase();
    if (kind === 'consumeItem' || kind === 'transferItem') value.gameItemId = value.gameItemId.toLowerCase();
    if (kind === 'grantItem') value.locationId = value.locationId.toLowerCase();
  }
}

type OperationRow = {
  kind: string;
  amount: bigint;
  receiverId?: string;
  currency?: string;
  itemId?: string;
  gameItemId?: string;
  locationId?: string;
};

function rowOf({ case: kind, value }: Operation['operation']): OperationRow {
  switch (kind) {
    case 'credit':
    case 'debit':
      return { kind, currency: value.currency, amount: value.amount };
    case 'transferCurrency': {
      const { toPlayerId: receiverId, currency, amount } = value;
      return { kind: 'transfer_currency', receiverId, currency, amount };
    }
    case 'grantItem': {
      const { itemId, locationId, quantity: amount } = value;
      return { kind: 'grant_item', itemId, locationId, amount };
    }
    case 'consumeItem': {
      const { itemId, gameItemId, quantity: amount } = value;
      return { kind: 'consume_item', itemId, gameItemId, amount };
    }
    case 'transferItem': {
      const { toPlayerId: receiverId, gameItemId, quantity: amount } = value;
      return { kind: 'transfer_item', receiverId, gameItemId, amount };
    }
    case undefined:
      throw new Error('an operation without a kind passed validation');
  }
}
