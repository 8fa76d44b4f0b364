import type { PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { toKey } from '../src/first-page.ts';
import { createPages } from '../src/service/pages.ts';
import { createService } from '../src/service.ts';

/** The service without its caches: every answer is read from Postgres. */
export function createUncachedService({
  postgres,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  pageTokens: PageTokens;
}) {
  const pages = createPages({ postgres, pageTokens });
  const told = (found: { bytes: Uint8Array; asOf: Date; source: 'replica' | 'primary' }) => ({
    ...found,
    version: 1,
    asOf: found.asOf.getTime(),
  });
  return createService({
    postgres,
    pages,
    listings: {
      peek: () => undefined,
      get: async (page) => (await postgres.read((node) => pages.first(node, [page]))).get(toKey(page))!,
      changed: async () => undefined,
    },
    watches: {
      watch: () => {
        throw new Error('nothing is watched here');
      },
      changed: () => undefined,
    },
    queries: { get: async (query) => told(await pages.run(query)) },
  });
}
