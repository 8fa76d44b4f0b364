import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { createRedis } from '@realmkeep/kit/redis/cluster';
import { whenReady } from '@realmkeep/kit/redis/readiness';
import {
  GetAreaStatsResponseSchema,
  RecordEventRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { startValkey, type ValkeyCluster } from '@realmkeep/testkit/parts/valkey';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, postgresOf, type TestDatabase } from '../../test/database.ts';
import { createAnswers } from '../answers.ts';
import { CLAIM_MS, createCache } from '../cache.ts';
import { createRecorder } from '../recorder.ts';
import { createRepository } from '../repository.ts';
import { createService } from '../service.ts';
import { type Counts, createReading } from './reading.ts';

let database: TestDatabase;
let valkey: ValkeyCluster;
const folder = mkdtempSync(join(tmpdir(), 'area-stats-valkey-'));
const opened: ReturnType<typeof createRedis>[] = [];

beforeAll(async () => {
  const ports = [{ client: await freePort(), bus: await freePort() }];
  [database, valkey] = await Promise.all([
    openTestDatabase(),
    // A cluster of its own, to be killed and held up.
    startValkey({
      folder,
      logs: join(folder, 'logs'),
      ports,
      password: randomBytes(9).toString('hex'),
      appendonly: false,
      say: () => undefined,
    }),
  ]);
});
afterEach(() => {
  for (const redis of opened.splice(0)) redis.disconnect();
});
afterAll(async () => {
  await Promise.all([database.close(), valkey.stop()]);
  rmSync(folder, { recursive: true });
});

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Recording and reading as one process has them, with a count of the queries that reading makes. */
async function openProcess(
  settings: {
    ttlMs?: number;
    graceMs?: number;
    commandTimeoutMs?: number;
    postgres?: TestDatabase['postgres'];
    /** What each query waits for. */
    held?: Promise<void>;
  } = {},
) {
  // Redis is waited for so long that a crowded machine makes no difference.
  const { ttlMs = 60_000, graceMs = ttlMs, commandTimeoutMs = 5_000, postgres = database.postgres } = settings;
  const redis = createRedis({ nodes: valkey.addresses, password: valkey.password, commandTimeoutMs, logger: quiet });
  opened.push(redis);
  expect(await whenReady(redis, 5_000)).toBe(true);
  const repository = createRepository({ postgres });
  const counter = { queries: 0, redis };
  const limits = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
  const reading = createReading({
    repository: {
      readArea: async (areaCode) => {
        counter.queries += 1;
        await settings.held;
        return repository.readArea(areaCode);
      },
    },
    cache: createCache({ redis }),
    answers: createAnswers<Counts>({ limit: 100, graceMs }),
    ttlMs,
  });
  const { recordEvent, recordEvents } = createService({
    repository,
    limits,
    // Nothing is queued here.
    queue: { append: async () => undefined },
    recorder: createRecorder({ repository, limits, logger: quiet }),
  });
  return Object.assign(counter, { service: { ...reading, recordEvent, recordEvents } });
}

type Service = Awaited<ReturnType<typeof openProcess>>['service'];

function eventIn(areaCode: string, fields: MessageInitShape<typeof RecordEventRequestSchema> = {}) {
  return create(RecordEventRequestSchema, {
    eventId: randomUUID(),
    areaCode,
    multiplayerMode: 'royale',
    userId: randomUUID(),
    eventName: 'LOGIN',
    ...fields,
  });
}

async function read(service: Service, areaCode: string) {
  const { bytes, source } = await service.areaStats(areaCode);
  const { modes, mostPlayedMode } = fromBinary(GetAreaStatsResponseSchema, bytes);
  return {
    modes: modes.map(({ multiplayerMode, currentCount }) => `${multiplayerMode} ${currentCount}`),
    mostPlayedMode,
    source,
  };
}

test('1,000 concurrent readers in each of three processes cost one query, and none within the time to live after it', async () => {
  const processes = await Promise.all([1, 2, 3].map(() => openProcess()));
  await processes[0]!.service.recordEvents([
    eventIn('busy', { multiplayerMode: 'duel' }),
    eventIn('busy'),
    eventIn('busy'),
    eventIn('busy', { multiplayerMode: 'as_of' }),
  ]);
  for (let round = 0; round < 2; round += 1) {
    const answers = await Promise.all(
      processes.flatMap(({ service }) => Array.from({ length: 1_000 }, () => read(service, 'busy'))),
    );
    for (const { modes, mostPlayedMode } of answers) {
      expect(modes).toEqual(['royale 2', 'as_of 1', 'duel 1']);
      expect(mostPlayedMode).toBe('royale');
    }
  }
  expect(processes.reduce((sum, { queries }) => sum + queries, 0)).toBe(1);
  expect((await read(processes[0]!.service, 'busy')).source).toBe('l1');
  expect((await read((await openProcess()).service, 'busy')).source).toBe('l2');
});

test('an area that nobody knows has no modes and is cached too', async () => {
  for (const area of ['nowhere', '}{%', '🂡']) {
    const [one, other] = await Promise.all([openProcess(), openProcess()]);
    expect(await read(one.service, area)).toEqual({ modes: [], mostPlayedMode: '', source: 'primary' });
    expect(await read(other.service, area)).toEqual({ modes: [], mostPlayedMode: '', source: 'l2' });
  }
});

test('a new count shows once the time to live is over, and the cached one until then', async () => {
  const { service, redis } = await openProcess({ ttlMs: 1_000 });
  await service.recordEvent(eventIn('ttl'));
  const begun = performance.now();
  expect((await read(service, 'ttl')).modes).toEqual(['royale 1']);
  expect(await redis.pttl('rk:area-stats:v1:{ttl}:counts')).toBeGreaterThan(0);
  await service.recordEvent(eventIn('ttl'));
  await until(
    async () => {
      const { modes } = await read(service, 'ttl');
      if (modes[0] === 'royale 2') return true;
      expect(modes).toEqual(['royale 1']);
      return false;
    },
    { what: 'the new count', within: 3_000 },
  );
  // A shared answer runs out in the millisecond before this process' own.
  expect(performance.now() - begun).toBeGreaterThan(990);
});

test('an area costs at most one query per time to live, however many processes and requests there are', async () => {
  const AREAS = 50;
  const TTLS = 3;
  const areas = Array.from({ length: AREAS }, (_, index) => `many ${index}`);
  const pools = [1, 2].map(() => new pg.Pool({ connectionString: database.primaryUrl, max: 5 }));
  // The database is dropped by force as soon as the pools have said good-bye.
  for (const pool of pools) pool.on('connect', (client) => client.on('error', () => undefined));
  const processes = await Promise.all(
    pools.map((pool) => openProcess({ ttlMs: 1_000, postgres: postgresOf(pool), commandTimeoutMs: 5_000 })),
  );
  await processes[0]!.service.recordEvents(areas.map((area) => eventIn(area)));
  const before = await scansOfCounts();
  const end = performance.now() + TTLS * 1_000;
  const readers = processes.flatMap(({ service }) =>
    Array.from({ length: 5_000 }, async (_, reader) => {
      for (let index = reader; performance.now() < end; index += 1) {
        const { modes } = await read(service, areas[index % AREAS]!);
        expect(modes).toEqual(['royale 1']);
        await setImmediate();
      }
    }),
  );
  await Promise.all(readers);
  const took = Math.ceil((performance.now() - (end - TTLS * 1_000)) / 1_000);
  // A backend tells what it has done when it ends.
  await Promise.all(pools.map((pool) => pool.end()));
  await until(async () => (await scansOfCounts()) - before >= processes[0]!.queries + processes[1]!.queries, {
    what: 'the database to tell of every query',
  });
  const queries = (await scansOfCounts()) - before;
  expect(queries).toBeGreaterThanOrEqual(AREAS);
  expect(queries).toBeLessThanOrEqual(AREAS * (took + 1));
});

/** How often the table of the counts was read, as the database itself counts. */
async function scansOfCounts(): Promise<number> {
  const [row] = await database.rows<{ scans: string }>(
    `select seq_scan + idx_scan as scans from pg_stat_user_tables where relname = 'area_mode_events_agg'`,
  );
  return Number(row!.scans);
}

test('once counts run out one reader fetches them, and the others are given the last ones with their age', async () => {
  const { service } = await openProcess({ ttlMs: 1_000, graceMs: 60_000 });
  await service.recordEvent(eventIn('grace'));
  await read(service, 'grace');
  await service.recordEvent(eventIn('grace'));
  let given: Awaited<ReturnType<typeof read>>[] = [];
  await until(
    async () => {
      given = await Promise.all(Array.from({ length: 50 }, () => read(service, 'grace')));
      return given.some(({ modes }) => modes[0] === 'royale 2');
    },
    { what: 'the counts to run out', every: 1 },
  );
  const fetched = given.filter(({ source }) => source !== 'l1');
  expect(fetched.map(({ modes }) => modes)).toEqual([['royale 2']]);
  const others = given.filter(({ source }) => source === 'l1');
  expect(new Set(others.map(({ modes }) => modes[0]))).toEqual(new Set(['royale 1']));
});

test('counts that were read earlier do not replace later ones', async () => {
  const { redis } = await openProcess();
  const cache = createCache({ redis });
  await cache.fill('late', { modes: [{ mode: 'new', count: 2n }], asOf: 2_000 }, 60_000);
  await cache.fill('late', { modes: [{ mode: 'old', count: 1n }], asOf: 1_000 }, 60_000);
  expect(await cache.readOrClaim('late')).toMatchObject({
    kind: 'hit',
    stats: { modes: [{ mode: 'new' }], asOf: 2_000 },
  });
});

test('a process that dies while it fetches holds the others up for the time of its claim at most', async () => {
  const [dead, alive] = await Promise.all([openProcess(), openProcess()]);
  expect(await createCache({ redis: dead.redis }).readOrClaim('claimed')).toEqual({ kind: 'claimed' });
  const begun = performance.now();
  expect((await read(alive.service, 'claimed')).source).toBe('primary');
  expect(performance.now() - begun).toBeLessThan(6_000);
});

test('a process that fetches for longer than its claim lasts renews it, and nobody else fetches meanwhile', async () => {
  const holdUp = async (outcome: 'answers' | 'fails') => {
    const held = Promise.withResolvers<void>();
    const [slow, other] = await Promise.all([openProcess({ held: held.promise }), openProcess()]);
    const area = `slow ${outcome}`;
    await other.service.recordEvent(eventIn(area));
    const slowly = read(slow.service, area).catch((error: unknown) => error);
    await until(() => slow.queries === 1, { what: 'the claim' });
    const waiting = read(other.service, area);

    // Renewals are seen by the time that the claim has left, which grows then.
    const claim = `rk:area-stats:v1:{${area}}:fetching`;
    const begun = performance.now();
    let [renewals, leftMs] = [0, await slow.redis.pttl(claim)];
    await until(
      async () => {
        const nowLeftMs = await slow.redis.pttl(claim);
        if (nowLeftMs > leftMs) renewals += 1;
        leftMs = nowLeftMs;
        return renewals >= 3 && performance.now() - begun > CLAIM_MS + 1_000;
      },
      { what: 'the claim to have been renewed beyond its time', every: 20 },
    );
    expect(other.queries).toBe(0);

    if (outcome === 'answers') held.resolve();
    else held.reject(new Error('the database is away'));
    const source = outcome === 'answers' ? 'l2' : 'primary';
    expect(await waiting).toEqual({ modes: ['royale 1'], mostPlayedMode: 'royale', source });
    expect(other.queries).toBe(outcome === 'answers' ? 0 : 1);
    await slowly;
    expect(slow.queries).toBe(1);
    expect(await slow.redis.exists(claim)).toBe(0);
  };
  await Promise.all([holdUp('answers'), holdUp('fails')]);
});

test('without Redis answers still come, for one query per time to live and process, and a slow Redis is waited for briefly', async () => {
  const settings = { ttlMs: 1_500, commandTimeoutMs: 250 };
  const [early, late] = await Promise.all([openProcess(settings), openProcess(settings)]);
  await early.service.recordEvent(eventIn('outage'));

  // Held up, not dead: connections stay open and nothing answers.
  process.kill(valkey.nodes[0]!.pid!, 'SIGSTOP');
  const begun = performance.now();
  expect((await read(early.service, 'outage')).modes).toEqual(['royale 1']);
  expect(performance.now() - begun).toBeLessThan(5_000);
  process.kill(valkey.nodes[0]!.pid!, 'SIGCONT');

  await valkey.nodes[0]!.kill();
  await Promise.all(Array.from({ length: 1_000 }, () => read(late.service, 'outage')));
  expect(late.queries).toBe(1);
  expect((await read(late.service, 'outage')).source).toBe('l1');
  await early.service.recordEvent(eventIn('outage'));
  await until(async () => (await read(late.service, 'outage')).modes[0] === 'royale 2', { what: 'the new count' });
  expect(late.queries).toBe(2);
  expect(early.queries).toBe(1);
});
