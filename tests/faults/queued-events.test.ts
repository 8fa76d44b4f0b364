import { randomUUID } from 'node:crypto';
import { type Client, createClient } from '@realmkeep/kit/client/client';
import {
  RecordEventRequest_Ack as Ack,
  AreaStatsService,
  Outcome_Result,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { valkeyNode } from '@realmkeep/testkit/parts/valkey-node';
import { afterEach, expect, test } from 'vitest';
import { startApp } from '../../services/area-stats/src/app.ts';
import { readSettings } from '../../services/area-stats/src/config.ts';
import { shardOf } from '../../services/area-stats/src/event-queue/shard.ts';
import { MIGRATIONS } from '../../services/area-stats/src/migrations.ts';
import { countsOf } from '../../services/area-stats/test/database.ts';
import { openTestValkey } from '../../services/area-stats/test/valkey.ts';
import { forSure } from './for-sure.ts';
import { startDatabase } from './postgres.ts';

const SHARDS = 6;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Two processes' worth of area-stats on stores of their own, and a game server's client of each. */
async function startStage({ replicas }: { replicas: number }) {
  const [database, valkey, keys] = await Promise.all([
    startDatabase({ database: 'area_stats', migrations: MIGRATIONS }),
    openTestValkey({ masters: 3, replicas: replicas * 3 }),
    writeKeys(),
  ]);
  closing.push(
    () => keys.remove(),
    () => valkey.close(),
    () => database.stop(),
  );
  const token = await keys.tokens.token({ role: 'server', subject: 'faults' });
  const clients = [];
  for (let process = 0; process < 2; process += 1) {
    const app = await startApp(
      readSettings({
        ...keys.env,
        HOST: '127.0.0.1',
        GRPC_PORT: '0',
        METRICS_PORT: '0',
        POSTGRES_URLS: database.urls.join(),
        REDIS_NODES: valkey.addresses.join(),
        REDIS_PASSWORD: valkey.password,
        PAGE_TOKEN_KEY: 'ab'.repeat(32),
        DRAIN_DELAY_MS: '0',
        LOG_LEVEL: 'silent',
        AREA_STATS_QUEUE_SHARDS: String(SHARDS),
        AREA_STATS_QUEUE_REPLICAS: String(replicas),
        AREA_STATS_QUEUE_RECLAIM_MS: '2000',
      }),
    );
    const client = createClient(AreaStatsService, {
      address: `127.0.0.1:${app.grpcPort}`,
      timeoutMs: 30_000,
      serviceTokens: { token: async () => token },
    });
    closing.push(
      () => app.drain(),
      () => client.close(),
    );
    clients.push(client);
  }
  return { database, valkey, clients, queue: await valkey.openQueue({ shards: SHARDS }) };
}

type Areas = Client<typeof AreaStatsService>;
type Sent = { eventId: string; userId: string };

/** Logs users in and out with ACK_QUEUED through both processes, until it is ended. */
function startLoad(clients: Areas[], send: <T>(call: () => Promise<T>) => Promise<T>) {
  const acknowledged: Sent[] = [];
  const failures: unknown[] = [];
  let over = false;
  async function write(writer: number): Promise<void> {
    for (let n = 0; !over; n += 1) {
      const event = {
        eventId: randomUUID(),
        areaCode: `area ${n % 3}`,
        multiplayerMode: 'royale',
        userId: `user ${writer}-${n % 40}`,
        eventName: n % 3 === 0 ? 'LOGOUT' : 'LOGIN',
        ack: Ack.QUEUED,
      };
      try {
        const { outcome } = await send(() => clients[n % clients.length]!.recordEvent(event));
        expect(outcome?.result).toBe(Outcome_Result.QUEUED);
        acknowledged.push(event);
      } catch (error) {
        failures.push(error);
        // A game server that is refused does not come again at once.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
  const running = Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
  return {
    acknowledged,
    failures,
    /** Waits for so many more acknowledgements. */
    more(count: number, what: string) {
      const enough = acknowledged.length + count;
      return until(() => acknowledged.length >= enough, { what, within: 60_000 });
    },
    async end(): Promise<void> {
      over = true;
      await running;
    },
  };
}

/** Waits until the queue is empty, and compares what was recorded with what was acknowledged. */
async function expectExact({ database, queue }: Awaited<ReturnType<typeof startStage>>, acknowledged: Sent[]) {
  await until(async () => (await queue.lag()).entries === 0, { what: 'the queue to be empty', within: 90_000 });
  const logged = await database.sql<{ event_id: string }>('select event_id from area_mode_events order by event_id');
  const ids = logged.map(({ event_id }) => event_id);
  expect(new Set(ids).size).toBe(ids.length);
  const recorded = new Set(ids);
  expect(acknowledged.filter(({ eventId }) => !recorded.has(eventId))).toEqual([]);
  const { stored, counted, defined } = await countsOf({ rows: database.sql as never });
  expect(stored.length).toBeGreaterThan(0);
  expect(stored).toEqual(defined);
  expect(counted).toEqual(defined);
}

test('while no primary of Postgres is there ACK_QUEUED goes on without a failure, and afterwards none is lost or doubled', async () => {
  const stage = await startStage({ replicas: 0 });
  const load = startLoad(stage.clients, (call) => call());
  await load.more(200, 'events before the kill');
  await stage.database.cluster.primary.kill();
  await load.more(500, 'events while no primary is there');
  const waiting = (await stage.queue.lag()).entries;
  await stage.database.promoteFarthest();
  await load.more(200, 'events after the promotion');
  await load.end();
  expect(load.failures).toEqual([]);
  expect(waiting).toBeGreaterThan(0);
  await expectExact(stage, load.acknowledged);
  console.log(`${load.acknowledged.length} events queued, ${waiting} of them waited for a primary`);
}, 180_000);

test('when a Redis primary is killed nothing acknowledged is lost with one replica asked for, and nothing is counted twice', async () => {
  const stage = await startStage({ replicas: 1 });
  const { valkey } = stage;
  const load = startLoad(stage.clients, forSure);
  await load.more(500, 'events before the kill');
  await valkey.nodes[0]!.kill();
  const heir = valkeyNode(Number(valkey.addresses[3]!.split(':')[1]), valkey.password);
  await heir.connect();
  closing.push(() => heir.disconnect());
  await until(async () => (await heir.info('replication')).includes('role:master'), {
    what: 'the replica to be promoted',
    within: 60_000,
  });
  // It comes back as the replica that acknowledgements wait for.
  await valkey.nodes[0]!.start();
  const since = load.acknowledged.length;
  await until(
    () => new Set(load.acknowledged.slice(since).map(({ userId }) => shardOf(userId, SHARDS))).size === SHARDS,
    { what: 'every shard to take events again', within: 60_000 },
  );
  await load.more(200, 'events after the failover');
  await load.end();
  expect(load.failures).toEqual([]);
  await expectExact(stage, load.acknowledged);
  console.log(`${load.acknowledged.length} events queued through the loss of a Redis primary`);
}, 240_000);
