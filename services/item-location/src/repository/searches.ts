import { sqlState } from '@realmkeep/kit/postgres/errors';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { ItemLocationRow } from '../item-location.ts';
import { NAMES, namesOf } from '../row-columns.ts';

/** Names of each kind that are looked at. */
const NAMES_AT_MOST = 100;
/** How long the looking for similar names may take, in milliseconds. */
const SIMILAR_MS = 300;
const CANCELLED = '57014';

/** The live things that bear the names of the function, the name's rank first. */
function namedStatement(names: 'names_beginning_with' | 'names_like'): string {
  return `select ${namesOf('g')}
    from (
      select coalesce(array_agg(noun order by place), '{}') as nouns, coalesce(array_agg(id order by place), '{}') as ids
      from ${names}(lower($1), $2)
    ) as n, lateral item_locations_named(n.nouns, n.ids, $3, $4) g`;
}

/**
 * At most `limit` live things whose item, owner or location is named like the text, best name first, from one snapshot.
 *
 * @param text in upper or lower case: Postgres folds it as it folds the names, for other folding differs for some letters
 * @param similarMs how long the looking for similar names may take
 */
export async function searchItemLocations(
  node: Pick<Reader, 'transaction'>,
  { text, limit, similarMs = SIMILAR_MS }: { text: string; limit: number; similarMs?: number },
): Promise<{ rows: ItemLocationRow[]; similarLeftOut: boolean; asOf: Date }> {
  return node.transaction(async (client) => {
    await client.query('set transaction isolation level repeatable read, read only');
    const found = await client.query<{ as_of: Date }>('select as_of()');
    const asOf = found.rows[0]!.as_of;
    const values = (most: number, without: ItemLocationRow[]) => [
      text,
      NAMES_AT_MOST,
      most,
      without.map((row) => row.game_item_id),
    ];
    const { rows } = await client.query<ItemLocationRow>(namedStatement('names_beginning_with'), values(limit, []));
    if (rows.length === limit) return { rows, similarLeftOut: false, asOf };
    await client.query(`set local statement_timeout = ${similarMs}`);
    try {
      const similar = await client.query<ItemLocationRow>(
        namedStatement('names_like'),
        values(limit - rows.length, rows),
      );
      return { rows: [...rows, ...similar.rows], similarLeftOut: false, asOf };
    } catch (error) {
      if (sqlState(error) !== CANCELLED) throw error;
      return { rows, similarLeftOut: true, asOf };
    }
  });
}

/** Things of the same distance as the last one that are compared by their ids. */
const TIES_AT_MOST = 1_000;

type NearbyRow = (ItemLocationRow & { distance: number }) | { game_item_id: null };

/**
 * At most `limit` live things of an area, the nearest to a point first, of those as near the lowest ids, none farther than
 * `maxDistance` (0: any). Of more than 1,000 at the last distance some are answered.
 */
export async function nearbyItemLocations(
  node: Reader,
  {
    areaCode,
    point,
    maxDistance,
    limit,
  }: { areaCode: string; point: [number, number, number]; maxDistance: number; limit: number },
): Promise<{ rows: (ItemLocationRow & { distance: number })[]; asOf: Date }> {
  const { rows } = await node.query<NearbyRow & { as_of: Date }>({
    name: 'nearby_item_locations',
    // The index hands out things of one distance in any order: which of them are answered is decided here, by id.
    text: `select near.*, (select as_of()) as as_of from (select) as one left join (
        select * from (
          select * from (
            select ${NAMES}, cube(array[x, y, z]) <-> cube($2::float8[]) as distance from game_item_locations
            where area_code = $1 and not consumed
            order by cube(array[x, y, z]) <-> cube($2::float8[]) fetch first ($3::bigint) rows with ties
          ) as tied limit $3::bigint + ${TIES_AT_MOST}
        ) as found order by distance, game_item_id limit $3::bigint
      ) as near on $4::float8 = 0 or near.distance <= $4
      order by near.distance, near.game_item_id`,
    values: [areaCode, point, limit, maxDistance],
  });
  const near = rows.filter((row) => row.game_item_id !== null);
  return { rows: near, asOf: rows[0]!.as_of };
}
