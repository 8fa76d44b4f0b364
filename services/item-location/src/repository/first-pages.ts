import type { Reader, WalPosition } from '@realmkeep/kit/postgres/nodes';
import type { ListingId } from '../first-page.ts';
import { encodeRecords } from '../record-bytes.ts';
import { NAMES, recordsOf } from '../row-columns.ts';

const LISTINGS = {
  owner: { column: 'owner_id', versions: 'player_versions', key: 'player_id' },
  location: { column: 'location_id', versions: 'location_versions', key: 'location_id' },
} as const;

/** The beginning of a listing: one encoded row more than the page has, if there is one, and the listing's version. */
export type FirstRows = { rows: Buffer[]; version: bigint };

type Row =
  | { listing_id: string; version: string; records: Buffer | null }
  | ({ listing_id: null; as_of: Date } & WalPosition);

/** The beginnings of many listings of one kind, each one range of one index: one snapshot. */
export async function findFirstPages(
  node: Reader,
  { by, ids, pageSize }: { by: ListingId['by']; ids: string[]; pageSize: number },
): Promise<{ pages: Map<string, FirstRows>; asOf: Date; wal: WalPosition }> {
  const { column, versions, key } = LISTINGS[by];
  const { rows } = await node.query<Row>({
    name: `first_pages_by_${by}_${pageSize}`,
    text: `select k.id as listing_id, coalesce((select v.version from ${versions} v where v.${key} = k.id), 0) as version,
        ${recordsOf(`select ${NAMES} from game_item_locations where ${column} = k.id and not consumed
          order by game_item_id limit ${pageSize + 1}`)} as records,
        null::timestamptz as as_of, null::int as timeline, null::text as lsn
      from unnest($1::uuid[]) as k (id)
      union all
      select null, null, null, as_of(), timeline, lsn::text from wal_position()`,
    values: [ids],
  });
  const pages = new Map<string, FirstRows>();
  let end: { as_of: Date; timeline: number; lsn: string } | undefined;
  for (const row of rows) {
    if (row.listing_id === null) end = row;
    else {
      const { listing_id, version, records } = row;
      pages.set(listing_id, { rows: records ? encodeRecords(records) : [], version: BigInt(version) });
    }
  }
  return { pages, asOf: end!.as_of, wal: { timeline: end!.timeline, lsn: end!.lsn } };
}

/** The versions of listings, as the node has them; those without one are left out. */
export async function findListingVersions(
  node: Reader,
  { playerIds, locationIds }: { playerIds: string[]; locationIds: string[] },
): Promise<{ versions: (ListingId & { version: bigint })[]; asOf: Date }> {
  const { rows } = await node.query<{ by: ListingId['by'] | null; id: string; version: string; as_of: Date }>({
    name: 'listing_versions',
    text: `select 'owner' as by, player_id as id, version, null::timestamptz as as_of
        from player_versions where player_id = any ($1)
      union all
      select 'location', location_id, version, null from location_versions where location_id = any ($2)
      union all
      select null, null, null, as_of()`,
    values: [playerIds, locationIds],
  });
  const versions = rows.flatMap(({ by, id, version }) => (by === null ? [] : [{ by, id, version: BigInt(version) }]));
  return { versions, asOf: rows.find(({ by }) => by === null)!.as_of };
}
