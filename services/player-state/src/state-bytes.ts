import type { Entry } from '@realmkeep/kit/cache/cache';
import { encodeAsOf, encodeState } from './player-state.ts';
import type { PlayerStateRow } from './repository/players.ts';

// A cached state: the outbox position of the player's last write and the length of the state, as unsigned numbers with the
// high byte first; then the encoded GetPlayerStateResponse, of which the state is the first part and as_of the rest.
const POSITION_ID = 8;
const LENGTH = 16;
const HEADER = 20;

/** The cache's entry of a player's state. */
export function toEntry(row: PlayerStateRow): Entry {
  const at = new Date(row.as_of);
  const state = encodeState(row);
  const asOf = encodeAsOf(at);
  const bytes = Buffer.allocUnsafeSlow(HEADER + state.length + asOf.length);
  bytes.writeBigUInt64BE(BigInt(row.outbox_xid), 0);
  bytes.writeBigUInt64BE(BigInt(row.outbox_id), POSITION_ID);
  bytes.writeUInt32BE(state.length, LENGTH);
  bytes.set(state, HEADER);
  bytes.set(asOf, HEADER + state.length);
  return { bytes, version: Number(row.version), asOf: at.getTime() };
}

/** The encoded GetPlayerStateResponse of the view BASIC, which a WatchPlayerStateResponse looks like as well. */
export function answerOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(HEADER);
}

/** The state as field 1 of an answer: one of a GetPlayerStateResponse, one of many in a BatchGetPlayerStatesResponse. */
export function stateOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(HEADER, HEADER + viewOf(bytes).getUint32(LENGTH));
}

/** The outbox position of the player's last write. */
export function positionOf(bytes: Uint8Array): { transaction: bigint; id: bigint } {
  const view = viewOf(bytes);
  return { transaction: view.getBigUint64(0), id: view.getBigUint64(POSITION_ID) };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
