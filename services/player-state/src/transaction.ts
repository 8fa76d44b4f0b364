import { createHash } from 'node:crypto';
import { create, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import type { FieldViolation } from '@realmkeep/kit/errors/common';
import {
  type ApplyTransactionRequest,
  ApplyTransactionRequestSchema,
  type ApplyTransactionResponse,
  ApplyTransactionResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { Operation } from '@realmkeep/proto/realmkeep/player_state/v1/transaction';
import type { OperationColumns, TransactionCall } from './repository/transactions.ts';

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

/** The call of `apply_transaction` that a request without violations asks for. UUIDs are lower-cased in place. */
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

/** The answer as it was stored, which a newer version of the service may read. */
export function toAnswer({ answer, replayed }: { answer: JsonValue; replayed: boolean }): ApplyTransactionResponse {
  const response = fromJson(ApplyTransactionResponseSchema, answer, { ignoreUnknownFields: true });
  response.replayed = replayed;
  return response;
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
