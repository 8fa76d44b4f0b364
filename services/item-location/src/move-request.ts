import { createHash } from 'node:crypto';
import type { MoveItemsRequest } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';

/** One move, its ids in lower case; an expected version of 0 is any. */
export type Move = { gameItemId: string; locationId: string; x: number; y: number; z: number; expectedVersion: bigint };

/** The moves of a request, in its order. No position is the origin. */
export function movesOf(request: MoveItemsRequest): Move[] {
  return request.moves.map(({ gameItemId, locationId, position, expectedVersion }) => ({
    gameItemId: gameItemId.toLowerCase(),
    locationId: locationId.toLowerCase(),
    x: position?.x ?? 0,
    y: position?.y ?? 0,
    z: position?.z ?? 0,
    expectedVersion,
  }));
}

/** The fields that name a thing which an earlier move names already. */
export function repeatedThings(moves: Move[]): { field: string; description: string }[] {
  const seen = new Set<string>();
  return moves.flatMap(({ gameItemId }, index) => {
    if (!seen.has(gameItemId)) {
      seen.add(gameItemId);
      return [];
    }
    return [{ field: `moves[${index}].game_item_id`, description: 'an earlier move has the same thing' }];
  });
}

/** SHA-256 of what is asked and of whose things it may touch: a request id of another player has other content. */
export function contentHash(mover: string | undefined, moves: Move[]): Buffer {
  const content = moves.map((move) => [
    move.gameItemId,
    move.locationId,
    move.x,
    move.y,
    move.z,
    move.expectedVersion.toString(),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([mover ?? '', content]))
    .digest();
}
