import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import type pg from 'pg';
import { startApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { MIGRATIONS } from '../src/migrations.ts';
import { startItemLocation } from './item-location.ts';
import { openPool } from './pool.ts';

/** The whole service on a database of its own, and clients of it in any role. `env` wins over the usual settings. */
export async function openTestApp(env: Record<string, string> = {}) {
  const [database, keys, { valkey, primaryUrl }] = await Promise.all([
    createTestDatabase({ migrations: MIGRATIONS, name: 'player_state' }),
    writeKeys(),
    stores(),
  ]);
  // Nobody listens there until a test starts it.
  const itemLocationPort = await freePort();
  const areaStatsPort = await freePort();
  const settings = {
    ...keys.env,
    HOST: '127.0.0.1',
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(','),
    REDIS_NODES: valkey.nodes.join(','),
    REDIS_PASSWORD: valkey.password,
    PAGE_TOKEN_KEY: 'ab'.repeat(32),
    ITEM_LOCATION_ADDRESS: `127.0.0.1:${itemLocationPort}`,
    AREA_STATS_ADDRESS: `127.0.0.1:${areaStatsPort}`,
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'silent',
    ...env,
  };
  const app = await startApp(readSettings(settings));
  const address = `127.0.0.1:${app.grpcPort}`;
  const replicas: (typeof app)[] = [];
  const owner = openPool(database.ownerUrl, 4);
  const superuser = openPool(new URL(new URL(database.ownerUrl).pathname, primaryUrl).href, 1);
  const clients: { close(): void }[] = [];

  /** A client with this token; without one it is anyone. */
  function client<S extends DescService>(service: S, token?: string, of = address) {
    const made = createClient(service, {
      address: of,
      timeoutMs: 30_000,
      ...(token !== undefined && { serviceTokens: { token: async () => token } }),
    });
    clients.push(made);
    return made;
  }

  return {
    address,
    database,
    tokens: keys.tokens,
    keys: keys.env,
    startItemLocation: () => startItemLocation(keys.env, itemLocationPort),
    client,
    as: async <S extends DescService>(service: S, role: 'player' | 'server' | 'admin', subject = 'someone') =>
      client(service, await keys.tokens.token({ role, subject })),
    /** Another replica of the service, over the same stores with connections of its own, and a game server's client of it. */
    async replica<S extends DescService>(service: S) {
      const replica = await startApp(readSettings(settings));
      replicas.push(replica);
      const token = await keys.tokens.token({ role: 'server', subject: 'someone' });
      return client(service, token, `127.0.0.1:${replica.grpcPort}`);
    },
    /** A count of a metric with these labels, as it is scraped; 0 before the first. */
    async counted(metric: string, labels = ''): Promise<number> {
      const scraped = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { connection: 'close' } });
      const line = (await scraped.text()).split('\n').find((each) => each.startsWith(metric) && each.includes(labels));
      return Number(line?.split(' ')[1] ?? 0);
    },
    /** Runs a statement as the owner of the tables, on the primary. */
    rows: async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await owner.query<R>(text, values)).rows,
    /** Ends the session of some write in progress; answers how many were ended. */
    async killOneWriter(): Promise<number> {
      const { rows } = await superuser.query<{ killed: boolean }>(
        `select pg_terminate_backend(pid) as killed from pg_stat_activity
         where datname = current_database() and state = 'active' and query like '%from apply_transactions(%'
           and pid <> pg_backend_pid() order by random() limit 1`,
      );
      return rows.filter(({ killed }) => killed).length;
    },
    async close() {
      for (const made of clients) made.close();
      await Promise.all([app, ...replicas].map((each) => each.drain()));
      await owner.end();
      await superuser.end();
      await database.drop();
      await keys.remove();
    },
  };
}

export type TestApp = Awaited<ReturnType<typeof openTestApp>>;
