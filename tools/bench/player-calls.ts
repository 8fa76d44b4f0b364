import { create, toBinary } from '@bufbuild/protobuf';
import {
  ApplyTransactionRequestSchema,
  BatchGetPlayerStatesRequestSchema,
  GetPlayerStateRequestSchema,
  WatchPlayerStateRequestSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';

const service = '/realmkeep.player_state.v1.PlayerStateService';

export const GET = `${service}/GetPlayerState`;
export const BATCH_GET = `${service}/BatchGetPlayerStates`;
export const WATCH = `${service}/WatchPlayerState`;
export const APPLY = `${service}/ApplyTransaction`;

/** GetPlayerState of one player in the BASIC view. */
export function getRequest(playerId: string): Uint8Array {
  return toBinary(GetPlayerStateRequestSchema, create(GetPlayerStateRequestSchema, { playerId }));
}

/** WatchPlayerState of one player from its current state on. */
export function watchRequest(playerId: string): Uint8Array {
  return toBinary(WatchPlayerStateRequestSchema, create(WatchPlayerStateRequestSchema, { playerId }));
}

/** BatchGetPlayerStates of those players. */
export function batchRequest(playerIds: string[]): Uint8Array {
  return toBinary(BatchGetPlayerStatesRequestSchema, create(BatchGetPlayerStatesRequestSchema, { playerIds }));
}

/** A transaction of its own id that credits one player with 1 gold. */
export function creditRequest(playerId: string): Uint8Array {
  const message = create(ApplyTransactionRequestSchema, {
    transactionId: crypto.randomUUID(),
    operations: [{ playerId, operation: { case: 'credit', value: { currency: 'gold', amount: 1n } } }],
  });
  return toBinary(ApplyTransactionRequestSchema, message);
}
