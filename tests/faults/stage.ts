import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import { migrate } from '@realmkeep/kit/postgres/migrate';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { ensureDatabase } from '@realmkeep/testkit/parts/database';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startPostgres } from '@realmkeep/testkit/parts/postgres';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { postgresUser } from '@realmkeep/testkit/parts/postgres-user';
import { canEnter, ownFolder } from '@realmkeep/testkit/parts/reachable';
import { stores } from '@realmkeep/testkit/stores';
import { startApp } from '../../services/player-state/src/app.ts';
import { readSettings } from '../../services/player-state/src/config.ts';
import { MIGRATIONS } from '../../services/player-state/src/migrations.ts';

const DATABASE = 'player_state';
const OWNER = { name: `${DATABASE}_owner`, password: 'owner' };
const RUNTIME = { name: DATABASE, password: 'runtime' };

/**
 * A Postgres cluster of a test's own, a primary and two replicas of which any one must have a commit before it is
 * acknowledged, and the real player-state on it.
 */
export async function startStage() {
  const folder = mkdtempSync(join(canEnter(postgresUser(), tmpdir()) ? tmpdir() : ownFolder(), 'realmkeep-faults-'));
  // The user that Postgres runs as must get through.
  chmodSync(folder, 0o711);
  const ports = [await freePort(), await freePort(), await freePort()];
  const [{ valkey }, keys, cluster] = await Promise.all([
    stores(),
    writeKeys(),
    startPostgres({
      folder: join(folder, 'data'),
      logs: join(folder, 'logs'),
      ports,
      passwords: { superuser: 'superuser', replicator: 'replicator' },
      fsync: false,
      synchronous: 1,
      say: () => undefined,
    }),
  ]);
  const as = ({ name, password }: typeof OWNER) => ({ user: name, password, database: DATABASE });
  const closing: (() => unknown)[] = [
    () => keys.remove(),
    () => rmSync(folder, { recursive: true }),
    () => cluster.stop(),
  ];
  const stop = async () => {
    for (const close of closing.reverse()) await close();
  };
  try {
    await ensureDatabase({ cluster, database: DATABASE, owner: OWNER, runtime: RUNTIME });
    await migrate({ url: cluster.primaryUrl(as(OWNER)), folder: MIGRATIONS });
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    cluster,
    /** The URLs of every node as the service's role, in the order of the ports whoever is primary. */
    urls: ports.map((port) => `postgres://${RUNTIME.name}:${RUNTIME.password}@127.0.0.1:${port}/${DATABASE}`),
    /** Starts one process' worth of the service on these nodes; answers its address. */
    async startService(urls: string[]): Promise<string> {
      const app = await startApp(
        readSettings({
          ...keys.env,
          HOST: '127.0.0.1',
          GRPC_PORT: '0',
          METRICS_PORT: '0',
          POSTGRES_URLS: urls.join(','),
          REDIS_NODES: valkey.nodes.join(','),
          REDIS_PASSWORD: valkey.password,
          PAGE_TOKEN_KEY: 'ab'.repeat(32),
          // Nobody listens there.
          ITEM_LOCATION_ADDRESS: '127.0.0.1:1',
          AREA_STATS_ADDRESS: '127.0.0.1:1',
          DRAIN_DELAY_MS: '0',
          LOG_LEVEL: 'silent',
        }),
      );
      closing.push(() => app.drain());
      return `127.0.0.1:${app.grpcPort}`;
    },
    /** A game server's client, or an operator's. */
    async connect<S extends DescService>(service: S, address: string, role: 'server' | 'admin' = 'server') {
      const token = await keys.tokens.token({ role, subject: 'faults' });
      const client = createClient(service, {
        address,
        timeoutMs: 30_000,
        serviceTokens: { token: async () => token },
      });
      closing.push(() => client.close());
      return client;
    },
    /** Runs SQL as the superuser in the service's database: on the primary, or at that node's URL. */
    sql: <R extends Record<string, unknown>>(text: string, values: unknown[] = [], url = cluster.primary.url) =>
      withClient(new URL(DATABASE, url).href, async (client) => (await client.query<R>(text, values)).rows),
    /** Ends what was started, the latest first. */
    stop,
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;
