import pg from 'pg';

/** A pool whose connections may be cut off when their database is dropped by force, right after the pool said good-bye. */
export function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
