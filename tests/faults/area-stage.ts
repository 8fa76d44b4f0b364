import { fileURLToPath } from 'node:url';
import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import { spawnService } from '../../services/player-state/test/process.ts';

const AREA_STATS = new URL('../../services/area-stats/', import.meta.url);

/** Replicas of the real area-stats, each a process of its own, over one database. */
export async function startAreaStage({ replicas }: { replicas: number }) {
  const [database, keys, { valkey, primaryUrl, replicaUrls }] = await Promise.all([
    createTestDatabase({ migrations: fileURLToPath(new URL('migrations/', AREA_STATS)), name: 'area_stats' }),
    writeKeys(),
    stores(),
  ]);
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
  const closing: (() => unknown)[] = [() => keys.remove(), () => database.drop()];
  const urlIn = (node: string) => new URL(new URL(database.ownerUrl).pathname, node).href;
  const sqlAt = <R extends Record<string, unknown>>(node: string, text: string, values: unknown[] = []) =>
    withClient(urlIn(node), async (client) => (await client.query<R>(text, values)).rows);

  /** A client of one replica, of a game server or an operator. */
  async function connect<S extends DescService>(service: S, replica: number, role: 'server' | 'admin' = 'server') {
    const token = await keys.tokens.token({ role, subject: 'faults' });
    const client = createClient(service, {
      address: `127.0.0.1:${ports[replica]}`,
      timeoutMs: 30_000,
      serviceTokens: { token: async () => token },
    });
    closing.push(() => client.close());
    return client;
  }

  return {
    /** A game server's client of each replica. */
    clients: await Promise.all(ports.map((_, replica) => connect(AreaStatsService, replica))),
    connect,
    /** Kills a replica's process and starts it again. */
    async restart(replica: number): Promise<void> {
      await kills[replica]!();
      kills[replica] = start(ports[replica]!);
    },
    /** Runs SQL as the superuser in the service's database, on the primary. */
    sql: <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
      sqlAt<R>(primaryUrl, text, values),
    /** The same on every node, the rows of all together. */
    sqlOnAll: async <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
      (await Promise.all([primaryUrl, ...replicaUrls].map((node) => sqlAt<R>(node, text, values)))).flat(),
    replicated: database.replicated,
    async stop(): Promise<void> {
      await Promise.all(kills.map((kill) => kill()));
      for (const close of closing.reverse()) await close();
    },
  };
}
