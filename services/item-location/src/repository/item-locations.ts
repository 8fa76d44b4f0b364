import type { Reader, WalPosition } from '@realmkeep/kit/postgres/nodes';
import type { ItemLocationRow } from '../item-location.ts';
import type { Boundary, FilterKind } from '../listing.ts';
import { encodeRecords } from '../record-bytes.ts';
import { NAMES, NOTHING, recordsOf } from '../row-columns.ts';
import type { SourcePosition } from '../source-position.ts';

const FILTER_COLUMNS = {
  owner: 'owner_id',
  location: 'location_id',
  area: 'area_code',
  item: 'item_id',
} as const satisfies Record<FilterKind, keyof ItemLocationRow>;

const PAGE_STEPS = {
  first: { bound: '', order: 'asc' },
  next: { bound: 'and game_item_id > $3', order: 'asc' },
  previous: { bound: 'and game_item_id <= $3', order: 'desc' },
} as const;

/** The most rows of a statement: a plan that is made once for all values must know that a page is short. */
const CAPS = [32, 128, 1024];

/**
 * The statement of a page: $1 the filter's value, $2 the number of rows, $3 the boundary. It gives one row: the page's
 * records with the snapshot's time and the node's WAL position.
 *
 * @param limit at most 1,024
 */
export function pageStatement(by: FilterKind, step: keyof typeof PAGE_STEPS, limit: number) {
  const { bound, order } = PAGE_STEPS[step];
  const cap = CAPS.find((most) => most >= limit);
  return {
    name: `item_locations_by_${by}_${step}_${cap}`,
    text: `select ${recordsOf(`select * from (
        select ${NAMES} from game_item_locations where ${FILTER_COLUMNS[by]} = $1 and not consumed ${bound}
        order by game_item_id ${order} limit ${cap}
      ) as capped order by game_item_id ${order} limit $2`)} as records, as_of(), timeline, lsn::text from wal_position()`,
  };
}

type Snapshot = { as_of: Date };
type Page = { records: Buffer | null } & Snapshot & WalPosition;

/** The row of a live thing, and the time of the snapshot; undefined when there is none. */
export async function findItemLocation(node: Reader, gameItemId: string) {
  const { rows } = await node.query<ItemLocationRow & Snapshot>({
    name: 'item_location',
    text: `select ${NAMES}, (select as_of()) as as_of from game_item_locations where game_item_id = $1 and not consumed`,
    values: [gameItemId],
  });
  return rows[0];
}

/** The rows of those of the things that are live, in any order, and the time of the snapshot. */
export async function findItemLocations(node: Reader, gameItemIds: string[]) {
  const { rows } = await node.query<(ItemLocationRow | { game_item_id: null }) & Snapshot>({
    name: 'item_locations_by_id',
    text: `select ${NAMES}, null::timestamptz as as_of from game_item_locations
        where game_item_id = any ($1) and not consumed
      union all
      select ${NOTHING}, as_of()`,
    values: [gameItemIds],
  });
  const found = rows.filter((row): row is ItemLocationRow & Snapshot => row.game_item_id !== null);
  return { rows: found, asOf: rows.find((row) => row.game_item_id === null)!.as_of };
}

/**
 * At most `limit` live rows of one filter, encoded, the nearest to the boundary first: those after it in growing order of
 * their ids, or those up to it in falling order. Without a boundary from the beginning.
 */
export async function listItemLocations(
  node: Reader,
  { by, value, boundary, limit }: { by: FilterKind; value: string; boundary: Boundary | undefined; limit: number },
): Promise<{ rows: Buffer[]; asOf: Date; wal: WalPosition }> {
  const { rows } = await node.query<Page>({
    ...pageStatement(by, boundary?.direction ?? 'first', limit),
    values: boundary ? [value, limit, boundary.id] : [value, limit],
  });
  const { records, as_of, timeline, lsn } = rows[0]!;
  return { rows: records ? encodeRecords(records) : [], asOf: as_of, wal: { timeline, lsn } };
}

/** A row has at least 90 bytes in an answer, which has at most 2 MB. */
const PLAYER_ROWS = 25_000;

type PlayerEnd = Snapshot & {
  game_item_id: null;
  player_version: string;
  source_transaction: string | null;
  source_id: string | null;
};

/** All live rows of a player by id, at most 25,000 (more than fit in an answer), the player's version here and the position that was followed to: one snapshot. */
export async function playerItemLocations(node: Reader, playerId: string) {
  const { rows: found } = await node.query<ItemLocationRow | PlayerEnd>({
    name: 'player_item_locations',
    text: `(select ${NAMES}, null::bigint as player_version, null::bigint as source_transaction,
          null::bigint as source_id, null::timestamptz as as_of
        from game_item_locations where owner_id = $1 and not consumed order by game_item_id limit ${PLAYER_ROWS})
      union all
      select ${NOTHING}, coalesce((select version from player_versions where player_id = $1), 0),
        source_transaction, source_id, as_of()
      from follow_position`,
    values: [playerId],
  });
  const rows = found.filter((row): row is ItemLocationRow => row.game_item_id !== null);
  const end = found.find((row): row is PlayerEnd => row.game_item_id === null)!;
  return {
    rows,
    version: BigInt(end.player_version),
    position: toPosition(end.source_transaction, end.source_id),
    asOf: end.as_of,
  };
}

/** The position that was followed to, as this node has it; undefined: none yet. */
export async function followedPosition(node: Reader): Promise<SourcePosition | undefined> {
  const { rows } = await node.query<{ source_transaction: string | null; source_id: string | null }>({
    name: 'followed_position',
    text: 'select source_transaction, source_id from follow_position',
    values: [],
  });
  return toPosition(rows[0]!.source_transaction, rows[0]!.source_id);
}

function toPosition(transaction: string | null, id: string | null): SourcePosition | undefined {
  return transaction === null || id === null ? undefined : { transaction: BigInt(transaction), id: BigInt(id) };
}
