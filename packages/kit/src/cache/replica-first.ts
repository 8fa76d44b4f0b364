import type { PostgresNodes, Reader } from '../postgres/nodes.ts';
import { type Entry, type Fetched, satisfies, type Want } from './entry.ts';

/**
 * How a cache fetches what Postgres has: from a replica, and from the primary what the replica lacks or has not as wanted.
 * Without a primary what the replica has is all there is: those who demand better wait for one by themselves, so that
 * nobody else does.
 *
 * @param find reads those of the keys that exist, from one snapshot
 */
export function replicaFirst({
  postgres,
  find,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'state'>;
  find: (node: Reader, keys: string[]) => Promise<Map<string, Entry>>;
}) {
  function read(keys: string[], primary: boolean): Promise<Map<string, Fetched>> {
    return postgres.read(
      async (node) => {
        const { source } = node;
        const found = await find(node, keys);
        return new Map([...found].map(([key, entry]) => [key, { ...entry, source }]));
      },
      { primary },
    );
  }

  async function fetchMany(wants: Want[]): Promise<Map<string, Fetched>> {
    const found = await read(
      wants.map(({ key }) => key),
      false,
    );
    const lacking = wants.filter((want) => {
      const fetched = found.get(want.key);
      return !fetched || (fetched.source === 'replica' && !satisfies(fetched, want));
    });
    if (lacking.length === 0 || !postgres.state().writable) return found;
    const better = await read(
      lacking.map(({ key }) => key),
      true,
    ).catch((error: unknown) => {
      if (postgres.state().writable) throw error;
      return new Map<string, Fetched>();
    });
    for (const [key, fetched] of better) found.set(key, fetched);
    return found;
  }

  return { read, fetchMany };
}
