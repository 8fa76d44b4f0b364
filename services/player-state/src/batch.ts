import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { BatchGetPlayerStatesResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { toPlayerState } from './player-state.ts';
import type { PlayerStateRow } from './repository/players.ts';

/** What the states of one answer may take. */
const BYTE_BUDGET = 2_000_000;

/**
 * The encoded BatchGetPlayerStatesResponse: states in the order asked, unknown players, and those whose states no longer
 * fit 2 MB. Encoded messages one after the other are one message, so no state is encoded twice to know its size.
 */
export function batchAnswer(
  playerIds: string[],
  find: (playerId: string) => PlayerStateRow | undefined,
  asOf: Date,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const missingPlayerIds: string[] = [];
  const omittedPlayerIds: string[] = [];
  let left = BYTE_BUDGET;
  for (const playerId of playerIds) {
    const row = find(playerId);
    if (!row) {
      missingPlayerIds.push(playerId);
      continue;
    }
    const part = encode({ states: [toPlayerState(row)] });
    left -= part.length;
    // From the first that does not fit, so that what is left to ask for is the end of the list. One always fits.
    if (left < 0 && parts.length > 0) omittedPlayerIds.push(playerId);
    else parts.push(part);
  }
  parts.push(encode({ missingPlayerIds, omittedPlayerIds, asOf: timestampFromDate(asOf) }));
  return Buffer.concat(parts);
}

function encode(init: MessageInitShape<typeof BatchGetPlayerStatesResponseSchema>): Uint8Array {
  return toBinary(BatchGetPlayerStatesResponseSchema, create(BatchGetPlayerStatesResponseSchema, init));
}
