import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { metrics } from '@opentelemetry/api';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { WatchAreaStatsResponseSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../test/database.ts';
import { createRepository } from './repository.ts';
import { startWatches } from './watches.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function login(areaCode: string, multiplayerMode = 'royale'): Promise<void> {
  const event = { eventId: randomUUID(), areaCode, multiplayerMode, userId: randomUUID() };
  await createRepository(database).recordEvents([{ ...event, eventName: 'LOGIN', eventTime: null }], LIMITS);
}

/** The watches of one process, with the statements that they made by their names. */
function openWatches({ intervalMs = 100, heartbeatMs = 60_000 } = {}) {
  const statements: string[] = [];
  const postgres: Pick<PostgresNodes, 'read'> = {
    read: (work, options) =>
      database.postgres.read(
        (node) =>
          work({
            ...node,
            query: (statement) => {
              statements.push(statement.name);
              return node.query(statement);
            },
          }),
        options,
      ),
  };
  const watches = startWatches({
    postgres,
    meter: metrics.getMeter('test'),
    logger: { warn: () => undefined },
    intervalMs,
    heartbeatMs,
  });
  return Object.assign(watches, { statements });
}

type Watch = AsyncIterator<Uint8Array>;

/** The next step of a watch: its version and counts, or 'heartbeat'. */
async function next(watch: Watch): Promise<string> {
  const { value } = await watch.next();
  const { step } = fromBinary(WatchAreaStatsResponseSchema, value);
  if (step.case !== 'stats') return 'heartbeat';
  const { version, modes } = step.value;
  return [`v${version}`, ...modes.map((mode) => `${mode.multiplayerMode} ${mode.currentCount}`)].join(', ');
}

test('the counts come at once, also of an area that nobody knows, and again after each change', async () => {
  const watches = openWatches();
  const watch = watches.watch('lonely', 0n);
  expect(await next(watch)).toBe('v1');
  await login('lonely');
  expect(await next(watch)).toBe('v2, royale 1');
  await login('lonely', 'duel');
  expect(await next(watch)).toBe('v3, duel 1, royale 1');
  await login('lonely', 'duel');
  expect(await next(watch)).toBe('v4, duel 2, royale 1');
  await watches.close();
});

test('a watch resumes from a version: a heartbeat when nothing is newer, then what is', async () => {
  await login('resumed');
  const watches = openWatches();
  const watch = watches.watch('resumed', 2n);
  expect(await next(watch)).toBe('heartbeat');
  await login('resumed');
  expect(await next(watch)).toBe('v3, royale 2');
  await watches.close();
});

test('however many watch an area it is read once an interval, and every one of them gets the newest counts', async () => {
  await login('crowd');
  const watches = openWatches({ intervalMs: 60_000 });
  const crowd = Array.from({ length: 500 }, () => watches.watch('crowd', 0n));
  expect(new Set(await Promise.all(crowd.map(next)))).toEqual(new Set(['v2, royale 1']));
  for (let late = 0; late < 20; late += 1) expect(await next(watches.watch('crowd', 0n))).toBe('v2, royale 1');
  expect(watches.statements).toEqual(['read_areas']);
  await watches.close();

  const live = openWatches({ intervalMs: 50 });
  const watching = Array.from({ length: 500 }, () => live.watch('crowd', 0n));
  await Promise.all(watching.map(next));
  await login('crowd');
  expect(new Set(await Promise.all(watching.map(next)))).toEqual(new Set(['v3, royale 2']));
  expect(live.statements.filter((name) => name === 'read_areas')).toHaveLength(2);
  await live.close();
});

test('a slow reader gets the newest counts and not those in between', async () => {
  const watches = openWatches({ intervalMs: 20 });
  const [slow, ready] = [watches.watch('slow', 0n), watches.watch('slow', 0n)];
  await Promise.all([next(slow), next(ready)]);
  for (let version = 2; version <= 6; version += 1) {
    await login('slow');
    expect(await next(ready)).toBe(`v${version}, royale ${version - 1}`);
  }
  expect(await next(slow)).toBe('v6, royale 5');
  await watches.close();
});

test('silence is broken by heartbeats, and a drain ends a watch as UNAVAILABLE', async () => {
  const watches = openWatches({ heartbeatMs: 30 });
  const watch = watches.watch('quiet', 0n);
  expect(await next(watch)).toBe('v1');
  expect(await next(watch)).toBe('heartbeat');
  expect(await next(watch)).toBe('heartbeat');
  await watches.close();
  await expect(
    (async () => {
      for (;;) await next(watch);
    })(),
  ).rejects.toMatchObject({ code: 14, reason: 'UNAVAILABLE' });
  await until(async () => watches.size().watches === 0, { what: 'the watch to be gone' });
});
