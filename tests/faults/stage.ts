import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { stores } from '@realmkeep/testkit/stores';
import { startApp } from '../../services/player-state/src/app.ts';
import { readSettings } from '../../services/player-state/src/config.ts';
import { MIGRATIONS } from '../../services/player-state/src/migrations.ts';
import { startDatabase } from './postgres.ts';

/** The real player-state on a Postgres cluster of a test's own. */
export async function startStage() {
  const [{ valkey }, keys, database] = await Promise.all([
    stores(),
    writeKeys(),
    startDatabase({ database: 'player_state', migrations: MIGRATIONS }),
  ]);
  const closing: (() => unknown)[] = [() => keys.remove(), () => database.stop()];

  return {
    ...database,
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
    /** Ends what was started, the latest first. */
    async stop() {
      for (const close of closing.reverse()) await close();
    },
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;
