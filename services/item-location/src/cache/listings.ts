import { type Cached, type CacheOptions, createCache, type Fetched, type Want } from '@realmkeep/kit/cache/cache';
import { satisfies } from '@realmkeep/kit/cache/entry';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import {
  CACHED_PAGE_SIZES,
  contentVersion,
  type FirstPage,
  fromKey,
  isContent,
  type ListingId,
  newsVersion,
  toKey,
  WATCHED_PAGE_SIZE,
} from '../first-page.ts';

export type ListingCache = ReturnType<typeof createListingCache>;

/** What a write has changed. */
export type Touched = { playerIds: string[]; locationIds: string[] };

/** Says that a listing has a newer version than what is cached. */
const NEWS = new Uint8Array(0);
/** Listings that are told of together. */
const AT_ONCE = 250;
/** How often a page is looked for again when only news of it is found. */
const MOST_TRIES = 4;

/**
 * First pages of players and locations: in memory, in Redis, on a replica, on the primary. Whoever changes a listing puts
 * the news of its version in the place of its pages, by compare-and-set: from then on nobody gets what is older, also from
 * a replica that is behind, and the next reader reads it anew.
 */
export function createListingCache({
  postgres,
  find,
  versions,
  ...options
}: {
  postgres: Pick<PostgresNodes, 'read' | 'state'>;
  /** Encoded first pages, by their keys; each of them is there. */
  find: (node: Reader, pages: FirstPage[]) => Promise<Map<string, Fetched>>;
  /** The versions that listings have come to. */
  versions: (node: Reader, touched: Touched) => Promise<{ versions: (ListingId & { version: bigint })[] }>;
} & Omit<CacheOptions, 'name' | 'noun' | 'fetchMany'>) {
  const cache = createCache({ ...options, name: 'item-location', noun: 'page', fetchMany });

  function read(keys: string[], primary: boolean): Promise<Map<string, Fetched>> {
    return postgres.read((node) => find(node, keys.map(fromKey)), { primary });
  }

  /** From a replica, and from the primary those that the replica has not as wanted, if there is a primary. */
  async function fetchMany(wants: Want[]): Promise<Map<string, Fetched>> {
    const found = await read(
      wants.map(({ key }) => key),
      false,
    );
    const lacking = wants.filter((want) => {
      const fetched = found.get(want.key)!;
      return fetched.source === 'replica' && !satisfies(fetched, want);
    });
    if (lacking.length === 0 || !postgres.state().writable) return found;
    const better = await read(
      lacking.map(({ key }) => key),
      true,
    );
    for (const [key, fetched] of better) found.set(key, fetched);
    return found;
  }

  async function tell(touched: Touched): Promise<void> {
    const { versions: newest } = await postgres.read((node) => versions(node, touched), { primary: true });
    const asOf = Date.now();
    await Promise.all(
      newest.flatMap(({ by, id, version }) =>
        CACHED_PAGE_SIZES.map((pageSize) =>
          cache.put(toKey({ by, id, pageSize }), { bytes: NEWS, version: newsVersion(version), asOf }),
        ),
      ),
    );
  }

  async function drop({ playerIds, locationIds }: Touched): Promise<void> {
    const keys = CACHED_PAGE_SIZES.flatMap((pageSize) => [
      ...playerIds.map((id) => toKey({ by: 'owner', id, pageSize })),
      ...locationIds.map((id) => toKey({ by: 'location', id, pageSize })),
    ]);
    await Promise.all(keys.map((key) => cache.invalidate(key)));
  }

  return {
    /** What the memory of this process has: at once, the way of a hot read. */
    peek(page: FirstPage): (Cached & { bytes: Uint8Array }) | undefined {
      const found = cache.peek(toKey(page));
      return found?.bytes && isContent(found.version) ? (found as Cached & { bytes: Uint8Array }) : undefined;
    },

    /** @param atLeast the least version of the listing that is wanted, which is known to exist */
    async get(page: FirstPage, atLeast = 0n): Promise<Cached & { bytes: Uint8Array }> {
      const key = toKey(page);
      let found = await cache.get(key, { minVersion: contentVersion(atLeast) });
      for (let tries = 1; tries < MOST_TRIES && !isContent(found.version); tries += 1) {
        found = await cache.get(key, { minVersion: found.version + 1 });
      }
      if (isContent(found.version)) return found as Cached & { bytes: Uint8Array };
      // It changes faster than it is read.
      return (await read([key], true)).get(key)!;
    },

    /** To be called after the commit and before the answer: whoever reads from now on, by any process, gets the change. */
    async changed({ playerIds, locationIds }: Touched): Promise<void> {
      const most = Math.max(playerIds.length, locationIds.length);
      for (let from = 0; from < most; from += AT_ONCE) {
        const some = {
          playerIds: playerIds.slice(from, from + AT_ONCE),
          locationIds: locationIds.slice(from, from + AT_ONCE),
        };
        await tell(some).catch((err: unknown) => {
          options.logger.warn({ err }, 'the versions of changed listings can not be read: their pages leave the cache');
          return drop(some);
        });
      }
    },

    /**
     * Tells of each listing that was changed by any process, once the page that watches are sent has left the memory of
     * this one. News of the other page may come sooner: their markers are on masters of their own. @returns ends the telling
     */
    onChange(listener: (listing: ListingId) => void): () => void {
      return cache.onInvalidate((key) => {
        const { by, id, pageSize } = fromKey(key);
        if (pageSize === WATCHED_PAGE_SIZE) listener({ by, id });
      });
    },
    stats: cache.stats,
    close: cache.close,
  };
}
