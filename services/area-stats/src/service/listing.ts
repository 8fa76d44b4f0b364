import type { PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { areaFromCursor, areaToCursor } from '../area-stats.ts';
import { refuse } from '../errors.ts';
import { listAreas } from '../repository/areas.ts';

export type Listing = ReturnType<typeof createListing>;

// Every listing of areas is the same query.
const QUERY = 'areas';

/** How areas are listed. */
export function createListing({
  postgres,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  pageTokens: PageTokens;
}) {
  return {
    /** A page of the areas in which somebody is counted, most players first. Throws INVALID_ARGUMENT PAGE_TOKEN_INVALID. */
    async listAreas(pageSize: number, pageToken: string) {
      const start = pageToken === '' ? undefined : pageTokens.open(QUERY, pageToken);
      const after = start && areaFromCursor(start.cursor);
      if (pageToken !== '' && !after) {
        throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
      }
      const { areas, asOf, wal, source } = await postgres.read(
        async (node) => ({ ...(await listAreas(node, { after, limit: pageSize + 1 })), source: node.source }),
        { minWal: start?.wal },
      );
      const page = areas.slice(0, pageSize);
      const last = areas.length > pageSize ? page.at(-1) : undefined;
      const nextPageToken = last ? pageTokens.sign({ query: QUERY, cursor: areaToCursor(last), wal }) : '';
      return { page, nextPageToken, asOf, source };
    },
  };
}
