import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../test/database.ts';
import { createAnswers } from './answers.ts';
import { createCache } from './cache.ts';
import { createRecorder } from './recorder.ts';
import { createRepository } from './repository.ts';
import { createService, type Service } from './service.ts';

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

/** The service as one process has it, with a count of the queries that it makes. */
async function openProcess({ ttlMs = 60_000 } = {}) {
  const redis = createRedis({ nodes: valkey.addresses, password: valkey.password, logger: quiet });
  opened.push(redis);
  expect(await whenReady(redis, 5_000)).toBe(true);
  const repository = createRepository(database);
  const counter = { queries: 0, redis };
  const limits = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300 };
  const service = createService({
    recorder: createRecorder({ repository, limits, logger: quiet }),
    repository: {
      readArea: (areaCode) => {
        counter.queries += 1;
        return repository.readArea(areaCode);
      },
    },
    cache: createCache({ redis }),
    answers: createAnswers({ limit: 100 }),
    ttlMs,
  });
  return Object.assign(counter, { service });
}

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
  // A tenth of the time may be taken off, and a shared answer runs out in the millisecond before this process' own.
  expect(performance.now() - begun).toBeGreaterThan(890);
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
  expect(performance.now() - begun).toBeLessThan(3_000);
});

test('without Redis answers still come, for one query per time to live and process, and a slow Redis is waited for briefly', async () => {
  const [early, late] = await Promise.all([openProcess({ ttlMs: 1_500 }), openProcess({ ttlMs: 1_500 })]);
  await early.service.recordEvent(eventIn('outage'));

  // Held up, not dead: connections stay open and nothing answers.
  process.kill(valkey.nodes[0]!.pid!, 'SIGSTOP');
  const begun = performance.now();
  expect((await read(early.service, 'outage')).modes).toEqual(['royale 1']);
  expect(performance.now() - begun).toBeLessThan(1_500);
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
