import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** What one batch did: rows changed, whose and where they are, and how many renames there were before it was done. */
export type RenameBatch = { renamed: number; pending: number; playerIds: string[]; locationIds: string[] };

/** Brings a changed name into at most `limit` rows that show it as it was; nothing is pending when nothing is left. */
export async function renameBatch(primary: Reader, limit: number): Promise<RenameBatch> {
  const { rows } = await primary.query<{
    renamed: number;
    pending: string;
    owners: string[] | null;
    locations: (string | null)[] | null;
  }>({
    name: 'rename_batch',
    text: 'select renamed, pending, owners, locations from rename_batch($1)',
    values: [limit],
  });
  const { renamed, pending, owners, locations } = rows[0]!;
  return {
    renamed,
    pending: Number(pending),
    playerIds: owners ?? [],
    locationIds: (locations ?? []).filter((id) => id !== null),
  };
}
