import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { ItemLocationRow } from '../item-location.ts';
import type { Move } from '../move-request.ts';

export type MoveAnswer = { item_locations: ItemLocationRow[]; replayed: boolean };

/**
 * Moves things, all or nothing, once per request id.
 *
 * @param request.mover the player that must own every thing; undefined: whoever owns it
 * @throws what the stored function raises: see `refusalOf`
 */
export async function moveItems(
  primary: Reader,
  request: { requestId: string; contentHash: Buffer; mover: string | undefined; moves: Move[] },
): Promise<MoveAnswer> {
  const { requestId, contentHash, mover, moves } = request;
  const { rows } = await primary.query<{ answer: MoveAnswer }>({
    name: 'move_items',
    text: `select m.answer, case when (m.answer ->> 'replayed')::boolean then ${commitBarrier} end
      from move_items($1, $2, $3, $4, $5, $6, $7, $8, $9) as m (answer)`,
    values: [
      requestId,
      contentHash,
      mover ?? null,
      moves.map((move) => move.gameItemId),
      moves.map((move) => move.locationId),
      moves.map((move) => move.x),
      moves.map((move) => move.y),
      moves.map((move) => move.z),
      moves.map((move) => move.expectedVersion),
    ],
  });
  return rows[0]!.answer;
}
