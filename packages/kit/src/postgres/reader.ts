import type pg from 'pg';
import type { PostgresNode } from './node.ts';
import type { Statement } from './statement.ts';

/** One Postgres node, as the work that was given to it sees it. Valid while that work runs. */
export type Reader = {
  /** The node's pool, for libraries that want one. It stays the same object for as long as the node is one of the cluster. */
  readonly pool: pg.Pool;
  readonly source: 'replica' | 'primary';
  /** The node's data are at least as new as this, by what was measured of it; absent when nothing is known. */
  readonly asOf?: Date | undefined;
  /** Runs one statement on a connection of the pool. */
  query<R extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<R>>;
  /** Runs the work between BEGIN and COMMIT on one connection; rolls back when it throws. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
};

/**
 * A reader of one node. `sent` hears how many things went out to the server: one a statement and one a transaction, and
 * two when the pool is taken, because nobody knows what is done with it.
 */
export function createReader(
  node: PostgresNode,
  { source, asOf }: Pick<Reader, 'source' | 'asOf'>,
  sent: (things: number) => void,
): Reader {
  const one = () => sent(1);
  return {
    source,
    asOf,
    get pool() {
      sent(2);
      return node.pool;
    },
    query: (statement) => node.query(statement, one),
    transaction: (work) => node.transaction(work, one),
  };
}
