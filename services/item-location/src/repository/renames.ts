import type { Reader } from '@realmkeep/kit/postgres/nodes';

/**
 * What one batch did: rows changed, whose and where they are. `pending`: how many renames there were before it, and 0 when
 * another process is at work on them; `begun`: how many there were, whoever works on them.
 */
export type RenameBatch = {
  renamed: number;
  pending: number;
  begun: number;
  playerIds: string[];
  locationIds: string[];
};

/** Brings a changed name into at most `limit` rows that show it as it was; nothing is pending when nothing is left to do here. */
export async function renameBatch(primary: Reader, limit: number): Promise<RenameBatch> {
  const { rows } = await primary.query<{
    renamed: number;
    pending: string;
    begun: number;
    owners: string[] | null;
    locations: (string | null)[] | null;
  }>({
    name: 'rename_batch',
    text: `select renamed, pending, owners, locations, (select count(*) from renames)::int as begun
      from rename_batch($1)`,
    values: [limit],
  });
  const { renamed, pending, begun, owners, locations } = rows[0]!;
  return {
    renamed,
    pending: Number(pending),
    begun,
    playerIds: owners ?? [],
    locationIds: (locations ?? []).filter((id) => id !== null),
  };
}
