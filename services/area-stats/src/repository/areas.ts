import type { Reader, WalPosition } from '@realmkeep/kit/postgres/nodes';
import type { AreaCount, AreaStats } from '../area-stats.ts';

/** At most `limit` areas after that one, most played first, ties by the bytes of the name; as of when; the WAL position. */
export async function listAreas(
  node: Reader,
  { after, limit }: { after: AreaCount | undefined; limit: number },
): Promise<{ areas: AreaCount[]; asOf: Date; wal: WalPosition }> {
  type Row = { area_code: string | null; current_count: string; as_of: Date; timeline: number; lsn: string };
  const { rows } = await node.query<Row>({
    name: 'list_areas',
    text: `
      select page.*, wal.timeline, wal.lsn::text, area_fold.folded_at as as_of
      from area_fold cross join wal_position() as wal left join (
        select area_code, current_count from areas
        where current_count > 0
          and (-current_count, area_code) > (coalesce(-$1::bigint, -9223372036854775807), coalesce($2, ''))
        order by -current_count, area_code limit $3
      ) as page on true
      order by -current_count, area_code`,
    values: [after?.count ?? null, after?.areaCode ?? null, limit],
  });
  const { as_of: asOf, timeline, lsn } = rows[0]!;
  const areas = rows.flatMap(({ area_code: areaCode, current_count: count }) =>
    areaCode === null ? [] : [{ areaCode, count: BigInt(count) }],
  );
  return { areas, asOf, wal: { timeline, lsn } };
}

/** An area's counts with the version of them, which grows with every change. */
export type VersionedStats = AreaStats & { version: bigint };

// Of an area with more modes the most played: 1,000 names of 255 characters stay below 2 MB.
const MOST_MODES = 1_000;

/** The counts of many areas from one snapshot. An area that nobody knows has version 1. */
export async function readAreas(node: Reader, areaCodes: string[]): Promise<Map<string, VersionedStats>> {
  type Row = { area_code: string; version: string; as_of: Date; modes: string[]; counts: string[] };
  const { rows } = await node.query<Row>({
    name: 'read_areas',
    text: `
      select asked.area_code, stats.*, as_of() as as_of
      from unnest($1::text[]) as asked (area_code) cross join lateral (
        select 1 + coalesce(sum(version), 0) as version,
          coalesce((array_agg(multiplayer_mode order by current_count desc, multiplayer_mode)
            filter (where current_count > 0))[:${MOST_MODES}], '{}') as modes,
          coalesce((array_agg(current_count::text order by current_count desc, multiplayer_mode)
            filter (where current_count > 0))[:${MOST_MODES}], '{}') as counts
        from area_mode_events_agg as agg where agg.area_code = asked.area_code
      ) as stats`,
    values: [areaCodes],
  });
  return new Map(
    rows.map(({ area_code: areaCode, version, as_of: asOf, modes, counts }) => [
      areaCode,
      {
        version: BigInt(version),
        asOf: asOf.getTime(),
        modes: modes.map((mode, index) => ({ mode, count: BigInt(counts[index]!) })),
      },
    ]),
  );
}

/** Of these areas with a version each, those whose version is newer, from one snapshot, and its time. */
export async function findNewerAreas(
  node: Reader,
  known: ReadonlyMap<string, bigint>,
): Promise<{ versions: Map<string, bigint>; asOf: number }> {
  type Row = { area_code: string | null; version: string; as_of: Date };
  const { rows } = await node.query<Row>({
    name: 'newer_areas',
    text: `
      select newer.area_code, newer.version, as_of() as as_of
      from (select) as one left join (
        select known.area_code, newest.version
        from unnest($1::text[], $2::bigint[]) as known (area_code, version) cross join lateral (
          select 1 + coalesce(sum(version), 0) as version
          from area_mode_events_agg as agg where agg.area_code = known.area_code
        ) as newest
        where newest.version > known.version
      ) as newer on true`,
    values: [[...known.keys()], [...known.values()]],
  });
  const versions = new Map<string, bigint>();
  for (const { area_code: areaCode, version } of rows) if (areaCode !== null) versions.set(areaCode, BigInt(version));
  return { versions, asOf: rows[0]!.as_of.getTime() };
}
