import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { BatchGetPlayerStatesResponseSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { stateOf } from './state-bytes.ts';

/** What the states of one answer may take. */
const BYTE_BUDGET = 2_000_000;

/**
 * The encoded BatchGetPlayerStatesResponse: states in the order asked, unknown players, and those whose states no longer
 * fit 2 MB. Encoded messages one after the other are one message, so the states go in as the cache has them.
 *
 * @param asOf the time of the oldest state, in epoch milliseconds
 */
export function batchAnswer(
  playerIds: string[],
  find: (playerId: string) => Uint8Array | undefined,
  asOf: number,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const missingPlayerIds: string[] = [];
  const omittedPlayerIds: string[] = [];
  let left = BYTE_BUDGET;
  for (const playerId of playerIds) {
    const bytes = find(playerId);
    if (!bytes) {
      missingPlayerIds.push(playerId);
      continue;
    }
    const part = stateOf(bytes);
    left -= part.length;
    // From the first that does not fit, so that what is left to ask for is the end of the list. One always fits.
    if (left < 0 && parts.length > 0) omittedPlayerIds.push(playerId);
    else parts.push(part);
  }
  parts.push(encode({ missingPlayerIds, omittedPlayerIds, asOf: timestampFromMs(asOf) }));
  return Buffer.concat(parts);
}

function encode(init: MessageInitShape<typeof BatchGetPlayerStatesResponseSchema>): Uint8Array {
  return toBinary(BatchGetPlayerStatesResponseSchema, create(BatchGetPlayerStatesResponseSchema, init));
}
