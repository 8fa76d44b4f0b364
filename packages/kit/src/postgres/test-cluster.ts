import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNoopMeter } from '@opentelemetry/api';
import { ensureDatabase } from '@realmkeep/testkit/parts/database';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startPostgres } from '@realmkeep/testkit/parts/postgres';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { postgresUser } from '@realmkeep/testkit/parts/postgres-user';
import { canEnter, ownFolder } from '@realmkeep/testkit/parts/reachable';
import { until } from '@realmkeep/testkit/parts/until';
import { migrate } from './migrate.ts';
import { createPostgresNodes, type PostgresNodes, type PostgresNodesOptions, type Reader } from './nodes.ts';

const DATABASE = 'things';
const THINGS = fileURLToPath(new URL('./test-migrations/', import.meta.url));

/** A primary and two replicas of a test file's own, to be paused, killed and promoted, with the table things (id int primary key). */
export async function startTestCluster() {
  const folder = mkdtempSync(join(canEnter(postgresUser(), tmpdir()) ? tmpdir() : ownFolder(), 'realmkeep-nodes-'));
  // The user that Postgres runs as must get through.
  chmodSync(folder, 0o711);
  const cluster = await startPostgres({
    folder: join(folder, 'data'),
    logs: join(folder, 'logs'),
    ports: [await freePort(), await freePort(), await freePort()],
    passwords: { superuser: 'superuser', replicator: 'replicator' },
    fsync: false,
    say: () => undefined,
  });
  const [owner, runtime] = [`${DATABASE}_owner`, DATABASE].map((name) => ({ name, password: name })) as [Role, Role];
  const as = ({ name, password }: Role) => ({ user: name, password, database: DATABASE });
  const stop = async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  };
  try {
    await ensureDatabase({ cluster, database: DATABASE, owner, runtime });
    await migrate({ url: cluster.primaryUrl(as(owner)), folder: THINGS });
  } catch (error) {
    await stop();
    throw error;
  }

  const superuser = { user: 'postgres', password: 'superuser', database: DATABASE };
  const superuserUrls = [cluster.primaryUrl(superuser), ...cluster.replicaUrls(superuser)];
  return {
    parts: [cluster.primary, ...cluster.replicas],
    /** The primary first. */
    urls: [cluster.primaryUrl(as(runtime)), ...cluster.replicaUrls(as(runtime))],
    /** Runs SQL as the superuser on the node of that place. */
    sql: (node: number, text: string) =>
      withClient(superuserUrls[node]!, async (client) => (await client.query<Record<string, unknown>>(text)).rows),
    /** Nodes that measure ten times a second. Resolves when so many replicas serve, both by default. */
    open: async ({ ready = 2, ...options }: Partial<PostgresNodesOptions> & { ready?: number } = {}) => {
      const urls = [cluster.primaryUrl(as(runtime)), ...cluster.replicaUrls(as(runtime))];
      const logger = { info: () => undefined, warn: () => undefined };
      const nodes = createPostgresNodes({
        name: 'test',
        urls,
        measureEveryMs: 100,
        logger,
        meter: createNoopMeter(),
        ...options,
      });
      // Until a replica serves, the primary is read.
      const primary = Number(new URL(urls[0]!).port);
      const serving = async () => {
        const ports = await sources(nodes);
        return ports.size === ready && !ports.has(primary);
      };
      await until(serving, { what: 'the replicas to serve' });
      return nodes;
    },
    stop,
  };
}

type Role = { name: string; password: string };

/** The ports of the nodes that a few concurrent reads went to. */
export async function sources(nodes: PostgresNodes): Promise<Set<number>> {
  const ports = await Promise.all(Array.from({ length: 4 }, () => nodes.read(portOf)));
  return new Set(ports);
}

/** The port of the node that is asked, which tells it from the others of the cluster. */
export async function portOf(node: Reader): Promise<number> {
  const statement = { name: 'port', text: `select current_setting('port')::int as port`, values: [] };
  return (await node.query<{ port: number }>(statement)).rows[0]!.port;
}
