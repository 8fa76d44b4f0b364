import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@realmkeep/kit/postgres/migrate';
import { ensureDatabase } from '@realmkeep/testkit/parts/database';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startPostgres } from '@realmkeep/testkit/parts/postgres';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { postgresUser } from '@realmkeep/testkit/parts/postgres-user';
import { canEnter, ownFolder } from '@realmkeep/testkit/parts/reachable';

/**
 * A Postgres cluster of a test's own, a primary and two replicas of which any one must have a commit before it is
 * acknowledged, with one service's migrated database.
 */
export async function startDatabase({ database, migrations }: { database: string; migrations: string }) {
  const folder = mkdtempSync(join(canEnter(postgresUser(), tmpdir()) ? tmpdir() : ownFolder(), 'realmkeep-faults-'));
  // The user that Postgres runs as must get through.
  chmodSync(folder, 0o711);
  const owner = { name: `${database}_owner`, password: 'owner' };
  const runtime = { name: database, password: 'runtime' };
  const ports = [await freePort(), await freePort(), await freePort()];
  const cluster = await startPostgres({
    folder: join(folder, 'data'),
    logs: join(folder, 'logs'),
    ports,
    passwords: { superuser: 'superuser', replicator: 'replicator' },
    fsync: false,
    synchronous: 1,
    say: () => undefined,
  });
  const stop = async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  };
  try {
    await ensureDatabase({ cluster, database, owner, runtime });
    await migrate({
      url: cluster.primaryUrl({ user: owner.name, password: owner.password, database }),
      folder: migrations,
    });
  } catch (error) {
    await stop();
    throw error;
  }

  /** Runs SQL as the superuser in the service's database: on the primary, or at that node's URL. */
  const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = [], url = cluster.primary.url) =>
    withClient(new URL(database, url).href, async (client) => (await client.query<R>(text, values)).rows);

  return {
    cluster,
    /** The URLs of every node as the service's role, in the order of the ports whoever is primary. */
    urls: ports.map((port) => `postgres://${runtime.name}:${runtime.password}@127.0.0.1:${port}/${database}`),
    sql,
    /** Promotes the replica that has received most, once the primary was killed; the other one follows it. */
    async promoteFarthest(): Promise<void> {
      const old = cluster.primary;
      const received = await Promise.all(
        cluster.replicas
          .filter((replica) => replica !== old)
          .map(async (replica) => {
            const rows = await sql<{ bytes: number }>(
              `select (pg_last_wal_receive_lsn() - '0/0')::float8 as bytes`,
              [],
              replica.url,
            );
            return { replica, bytes: rows[0]!.bytes };
          }),
      );
      await cluster.promote(received.reduce((best, each) => (each.bytes > best.bytes ? each : best)).replica);
    },
    stop,
  };
}
