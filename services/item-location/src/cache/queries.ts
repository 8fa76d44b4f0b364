import { type Cached, type CacheOptions, createCache, type Fetched } from '@realmkeep/kit/cache/cache';
import { fromQueryKey, type Query, toQueryKey } from '../query.ts';

export type QueryCache = ReturnType<typeof createQueryCache>;

/** What is found for a query, encoded. */
export type Found = { bytes: Uint8Array; asOf: Date; source: Fetched['source'] };

/** Queries in work: about as many as there are connections to the nodes. */
const AT_ONCE = 30;

/**
 * Answers to queries, by the query: for as long as the times to live, whatever changes meanwhile. Each has the time at
 * which it was true.
 */
export function createQueryCache({
  run,
  ...options
}: { run: (query: Query) => Promise<Found> } & Omit<CacheOptions, 'name' | 'noun' | 'fetchMany'>) {
  const cache = createCache({
    ...options,
    name: 'item-location',
    noun: 'query',
    fetches: { keys: 1, atOnce: AT_ONCE },
    async fetchMany(wants) {
      const answers = await Promise.all(
        wants.map(async ({ key }): Promise<[string, Fetched]> => {
          const { bytes, asOf, source } = await run(fromQueryKey(key));
          // One version for all time: of two answers the later one is kept.
          return [key, { bytes, version: 1, asOf: asOf.getTime(), source }];
        }),
      );
      return new Map(answers);
    },
  });
  return {
    async get(query: Query): Promise<Cached & { bytes: Uint8Array }> {
      return (await cache.get(toQueryKey(query))) as Cached & { bytes: Uint8Array };
    },
    stats: cache.stats,
    close: cache.close,
  };
}
