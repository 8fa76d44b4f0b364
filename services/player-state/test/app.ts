import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import type pg from 'pg';
import { startApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { MIGRATIONS } from '../src/migrations.ts';
import { startItemLocation } from './item-location.ts';
import { writeKeys } from './keys.ts';
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
  const app = await startApp(
    readSettings({
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
    }),
  );
  const address = `127.0.0.1:${app.grpcPort}`;
  const owner = openPool(database.ownerUrl, 4);
  const superuser = openPool(new URL(new URL(database.ownerUrl).pathname, primaryUrl).href, 1);
  const clients: { close(): void }[] = [];

  /** A client with this token; without one it is anyone. */
  function client<S extends DescService>(service: S, token?: string) {
    const made = createClient(service, {
      address,
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
    /** Runs a statement as the owner of the tables, on the primary. */
    rows: async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await owner.query<R>(text, values)).rows,
    /** Ends the session of some write in progress; answers how many were ended. */
    async killOneWriter(): Promise<number> {
      const { rows } = await superuser.query<{ killed: boolean }>(
        `select pg_terminate_backend(pid) as killed from pg_stat_activity
         where datname = current_database() and state = 'active' and query like '%from apply_transaction(%'
           and pid <> pg_backend_pid() order by random() limit 1`,
      );
      return rows.filter(({ killed }) => killed).length;
    },
    async close() {
      for (const made of clients) made.close();
      await app.drain();
      await owner.end();
      await superuser.end();
      await database.drop();
      await keys.remove();
    },
  };
}

export type TestApp = Awaited<ReturnType<typeof openTestApp>>;
