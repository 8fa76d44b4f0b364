import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@realmkeep/kit/client/client';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import { spawnService } from '../../services/player-state/test/process.ts';

const AREA_STATS = new URL('../../services/area-stats/', import.meta.url);

/** Replicas of the real area-stats, each a process of its own, over one database. */
export async function startAreaStage({ replicas }: { replicas: number }) {
  const [database, keys, { valkey, primaryUrl }] = await Promise.all([
    createTestDatabase({ migrations: fileURLToPath(new URL('migrations/', AREA_STATS)), name: 'area_stats' }),
    writeKeys(),
    stores(),
  ]);
  const token = await keys.tokens.token({ role: 'server', subject: 'faults' });
  const ports = await Promise.all(Array.from({ length: replicas }, () => freePort()));
  const start = (port: number) =>
    spawnService(new URL('src/main.ts', AREA_STATS), {
      ...keys.env,
      HOST: '127.0.0.1',
      GRPC_PORT: `${port}`,
      METRICS_PORT: '0',
      POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(),
      REDIS_NODES: valkey.nodes.join(),
      REDIS_PASSWORD: valkey.password,
      PAGE_TOKEN_KEY: 'ab'.repeat(32),
      LOG_LEVEL: 'silent',
      AREA_STATS_TTL_SECONDS: '1',
    });
  const kills = ports.map(start);
  const clients: Client<typeof AreaStatsService>[] = [];
  const closing: (() => unknown)[] = [() => keys.remove(), () => database.drop()];
  for (const port of ports) {
    const address = `127.0.0.1:${port}`;
    const client = createClient(AreaStatsService, {
      address,
      timeoutMs: 30_000,
      serviceTokens: { token: async () => token },
    });
    clients.push(client);
    closing.push(() => client.close());
  }
  const inDatabase = new URL(new URL(database.ownerUrl).pathname, primaryUrl).href;

  return {
    /** A game server's client of each replica. */
    clients,
    /** Kills a replica's process and starts it again. */
    async restart(replica: number): Promise<void> {
      await kills[replica]!();
      kills[replica] = start(ports[replica]!);
    },
    /** Runs SQL as the superuser in the service's database. */
    sql: <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
      withClient(inDatabase, async (client) => (await client.query<R>(text, values)).rows),
    async stop(): Promise<void> {
      await Promise.all(kills.map((kill) => kill()));
      for (const close of closing.reverse()) await close();
    },
  };
}
