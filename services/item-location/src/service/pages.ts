import type { Fetched } from '@realmkeep/kit/cache/cache';
import type { PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes, Reader, WalPosition } from '@realmkeep/kit/postgres/nodes';
import { nearbyBytes, pageBytes, searchBytes } from '../answer-bytes.ts';
import { refuse } from '../errors.ts';
import { contentVersion, type FirstPage, toKey } from '../first-page.ts';
import { type Boundary, cutPage, fromCursor, type Listing, queryOf, toCursor } from '../listing.ts';
import type { Query } from '../query.ts';
import { gameItemIdOf } from '../record-bytes.ts';
import { findFirstPages } from '../repository/first-pages.ts';
import { listItemLocations } from '../repository/item-locations.ts';
import { nearbyItemLocations, searchItemLocations } from '../repository/searches.ts';

export type Pages = ReturnType<typeof createPages>;

/** Pages of things as they are read from Postgres, encoded. */
export function createPages({
  postgres,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  pageTokens: PageTokens;
}) {
  function encode(
    found: { rows: Buffer[]; asOf: Date; wal: WalPosition },
    { query, pageSize, boundary }: { query: string; pageSize: number; boundary?: Boundary | undefined },
  ): Uint8Array {
    const { rows, next, previous } = cutPage(found.rows, { pageSize, boundary, idOf: gameItemIdOf });
    const sign = (at: Boundary | undefined) =>
      at ? pageTokens.sign({ query, cursor: toCursor(at), wal: found.wal }) : '';
    return pageBytes({ rows, nextPageToken: sign(next), previousPageToken: sign(previous), asOf: found.asOf });
  }

  /** The page that a token leads to, or the first one. */
  async function page({ by, value, pageSize }: Listing, pageToken: string) {
    const query = queryOf(by, value);
    const start = pageToken ? pageTokens.open(query, pageToken) : undefined;
    if (pageToken && !start) {
      throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
    }
    const boundary = start && fromCursor(start.cursor);
    return postgres.read(
      async (node) => {
        const found = await listItemLocations(node, { by, value, boundary, limit: pageSize + 1 });
        return { bytes: encode(found, { query, pageSize, boundary }), asOf: found.asOf, source: node.source };
      },
      { minWal: start?.wal },
    );
  }

  return {
    page,

    /** First pages by their keys, those of one kind and size from one snapshot. */
    async first(node: Reader, pages: FirstPage[]): Promise<Map<string, Fetched>> {
      const alike = Map.groupBy(pages, ({ by, pageSize }) => `${by} ${pageSize}`);
      const answers = new Map<string, Fetched>();
      await Promise.all(
        [...alike.values()].map(async (group) => {
          const { by, pageSize } = group[0]!;
          const found = await findFirstPages(node, { by, ids: group.map(({ id }) => id), pageSize });
          for (const [id, { rows, version }] of found.pages) {
            const bytes = encode({ rows, asOf: found.asOf, wal: found.wal }, { query: queryOf(by, id), pageSize });
            const entry = { bytes, version: contentVersion(version), asOf: found.asOf.getTime(), source: node.source };
            answers.set(toKey({ by, id, pageSize }), entry);
          }
        }),
      );
      return answers;
    },

    /** The answer to a query whose changes nobody is told of. */
    async run(query: Query) {
      if (query.kind === 'list') return page(query, '');
      return postgres.read(async (node) => {
        if (query.kind === 'search') {
          const found = await searchItemLocations(node, query);
          return { bytes: searchBytes(found), asOf: found.asOf, source: node.source };
        }
        const found = await nearbyItemLocations(node, query);
        return { bytes: nearbyBytes(found), asOf: found.asOf, source: node.source };
      });
    },
  };
}
