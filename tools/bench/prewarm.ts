import { untilReplicated } from '@realmkeep/testkit/parts/database';
import type { PostgresCluster } from '@realmkeep/testkit/parts/postgres';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';

const READ = `select pg_prewarm(oid, 'read') from pg_class
  where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`;

/**
 * Reads a database into the memory of the machine, on every node, once the replicas have all of it. Rows that measure our
 * caches without a hit mean what Postgres costs, and not the disk that a database just filled is still on.
 */
export async function prewarm(postgres: PostgresCluster, database: string): Promise<void> {
  const [primary, ...replicas] = [postgres.primaryUrl(), ...postgres.replicaUrls()].map((address) => {
    const url = new URL(address);
    url.pathname = `/${database}`;
    return url.href;
  }) as [string, ...string[]];
  await withClient(primary, (client) => client.query('create extension if not exists pg_prewarm'));
  await untilReplicated(primary, replicas, { within: 300_000 });
  for (const url of [primary, ...replicas]) await withClient(url, (client) => client.query(READ));
}
