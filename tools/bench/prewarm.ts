import type { PostgresCluster } from '@realmkeep/testkit/parts/postgres';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';

/**
 * Reads a database into the memory of the machine, on every node, once the replicas have all of it. Rows that measure our
 * caches without a hit mean what Postgres costs, and not the disk that a database just filled is still on.
 */
export async function prewarm(postgres: PostgresCluster, database: string): Promise<void> {
  const superuser = (address: string) => {
    const url = new URL(address);
    url.pathname = `/${database}`;
    return url.href;
  };
  const end = await query<{ lsn: string }>(
    superuser(postgres.primaryUrl()),
    'create extension if not exists pg_prewarm; select pg_current_wal_insert_lsn()::text as lsn',
  );
  for (const url of postgres.replicaUrls().map(superuser)) {
    const behind = `select pg_last_wal_replay_lsn() < '${end.lsn}' as behind`;
    await until(async () => !(await query<{ behind: boolean }>(url, behind)).behind, {
      what: 'a replica to have all rows',
      within: 300_000,
    });
  }
  for (const url of [postgres.primaryUrl(), ...postgres.replicaUrls()].map(superuser)) {
    await query(
      url,
      "select sum(pg_prewarm(oid, 'read')) from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace",
    );
  }
}

/** The first row of the last statement. */
async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = (await client.query<Row>(text)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    return (Array.isArray(results) ? results.at(-1)! : results).rows[0]!;
  } finally {
    await client.end();
  }
}
