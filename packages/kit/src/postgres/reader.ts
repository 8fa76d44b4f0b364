import type pg from 'pg';

/** A named prepared statement: one name means one text, on every pool of the process. */
export type Statement = { name: string; text: string; values: unknown[] };

/** One Postgres node, as the work that was given to it sees it. Valid while that work runs. */
export type Reader = {
  /** The node's pool, for libraries that want one. It stays the same object for as long as the process runs. */
  readonly pool: pg.Pool;
  readonly source: 'replica' | 'primary';
  /** Runs one statement on a connection of the pool. */
  query<R extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<R>>;
  /** Runs the work between BEGIN and COMMIT on one connection; rolls back when it throws. */
  transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>;
};
