import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { ItemLocationRow } from '../item-location.ts';
import type { Move } from '../move-request.ts';

/** `locations` are those that the things were at and are at. */
export type MoveAnswer = { item_locations: ItemLocationRow[]; replayed: boolean; locations: string[] };

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

/** The players and locations that the moves of the last `withinMs` milliseconds touched. */
export async function recentlyMoved(
  primary: Reader,
  withinMs: number,
): Promise<{ playerIds: string[]; locationIds: string[] }> {
  const { rows } = await primary.query<{ players: string[] | null; locations: string[] | null }>({
    name: 'recently_moved',
    // Apart: a request of 500 things may touch 1,000 locations, and both together are their product.
    text: `select
        (select array_agg(distinct row ->> 'owner_id')
          from move_requests m, jsonb_array_elements(m.answer) as row
          where m.created_at > now() - $1 * interval '1 millisecond' and m.answer is not null) as players,
        (select array_agg(distinct location_id::text)
          from move_requests m, unnest(m.touched_locations) as location_id
          where m.created_at > now() - $1 * interval '1 millisecond' and m.answer is not null) as locations`,
    values: [withinMs],
  });
  return { playerIds: rows[0]!.players ?? [], locationIds: rows[0]!.locations ?? [] };
}

/** Deletes at most `limit` answers to moves that are older than so many days; answers how many. */
export async function trimMoves(primary: Reader, days: number, limit: number): Promise<number> {
  const { rowCount } = await primary.query({
    name: 'trim_moves',
    text: `delete from move_requests where request_id = any (array(
        select request_id from move_requests where created_at < now() - $1 * interval '1 day'
        order by created_at limit $2))`,
    values: [days, limit],
  });
  return rowCount ?? 0;
}
