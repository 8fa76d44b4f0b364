import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import { stores } from '@realmkeep/testkit/stores';
import type { StoreAddresses } from '@realmkeep/testkit/stores-host';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { slotOf } from '../redis/slot.ts';
import { createVersions, openProcess, type TestProcess } from './cache.fixture.ts';
import type { Cached } from './cache.ts';

let valkey: StoreAddresses['valkey'];
let name: string;
let versions: ReturnType<typeof createVersions>;
const opened: TestProcess[] = [];

beforeAll(async () => {
  valkey = (await stores()).valkey;
});
beforeEach(() => {
  name = `test-${randomUUID()}`;
  versions = createVersions();
});
afterEach(() => {
  for (const process of opened.splice(0)) process.close();
});

async function open(options: Partial<Parameters<typeof openProcess>[0]> = {}): Promise<TestProcess> {
  const process = await openProcess({ valkey, name, versions, ...options });
  opened.push(process);
  return process;
}

function text({ bytes, source }: Cached): string {
  return `${bytes ? Buffer.from(bytes) : 'absent'} ${source}`;
}

function write({ cache }: TestProcess, key: string): Promise<void> {
  return cache.put(key, versions.entryOf(key, versions.commit(key)));
}

/** A key that is in the memory of each process, at version 1. */
async function warm(...processes: TestProcess[]): Promise<string> {
  const key = randomUUID();
  versions.commit(key);
  versions.follow(key);
  for (const { cache } of processes) await cache.get(key);
  return key;
}

async function isStored({ redis }: TestProcess, key: string): Promise<boolean> {
  return (await redis.exists(`rk:${name}:v1:{${key}}:thing`)) === 1;
}

test('an answer is fetched once, then comes from the memory of the process', async () => {
  const a = await open();
  const key = await warm();
  expect(text(await a.cache.get(key))).toBe(`${key}@1 replica`);
  expect(text(await a.cache.get(key))).toBe(`${key}@1 l1`);
  expect(text(a.cache.peek(key)!)).toBe(`${key}@1 l1`);
  expect(a.fetches.length).toBe(1);
});

test('what a process fetches a second time is put into Redis, where other processes find it', async () => {
  const [a, b] = [await open({ l1: { maxBytes: 0, ttlMs: 1_000 } }), await open()];
  const [once, key] = [await warm(a), await warm(a)];
  expect(text(await a.cache.get(key))).toBe(`${key}@1 replica`);
  await until(() => isStored(a, key), { what: 'the fill' });
  // Fills keep their order, so one of the first fetch would be there by now.
  expect(await isStored(a, once)).toBe(false);
  expect(text(await a.cache.get(key))).toBe(`${key}@1 l2`);
  expect(text(await b.cache.get(key))).toBe(`${key}@1 l2`);
  expect([a.fetches.length, b.fetches.length]).toEqual([3, 0]);
});

test('a write through one process is read by another within 100 ms, without the replica', async () => {
  const [a, b] = [await open(), await open()];
  const key = await warm(a, b);
  await write(a, key);
  const start = performance.now();
  await until(async () => (await b.cache.get(key)).version === 2, { what: 'the new version', every: 1 });
  expect(performance.now() - start).toBeLessThan(100);
  expect(versions.replica.get(key)).toBe(1);
});

test('fills and refreshes empty nobody’s memory; each write drops one entry', async () => {
  const [a, b] = [await open(), await open()];
  const key = await warm(a, b);
  const before = b.cache.stats();
  for (let count = 0; count < 50; count += 1) await warm(a);
  await a.cache.get(key, { maxStalenessMs: 0 });
  await write(a, key);
  await a.cache.put(key, versions.entryOf(key, 2));
  await until(() => b.cache.peek(key) === undefined, { what: 'the marker' });
  const after = b.cache.stats();
  expect(after.invalidations - before.invalidations).toBe(1);
  expect(after.emptied).toBe(before.emptied);
});

test('10,000 concurrent readers of a cold key are one fetch', async () => {
  const a = await open({ fetchMs: () => 20 });
  const key = await warm();
  const answers = await Promise.all(Array.from({ length: 10_000 }, () => a.cache.get(key)));
  expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([1]));
  expect(a.fetches).toHaveLength(1);
  expect(a.cache.stats().coalesced).toBe(9_999);
});

test('concurrent misses of many keys are fetched in batches of 250, each key once', async () => {
  const a = await open();
  const keys = await Promise.all(Array.from({ length: 600 }, () => warm()));
  const [many, ...each] = await Promise.all([a.cache.getMany(keys), ...keys.map((key) => a.cache.get(key))]);
  expect([...many.keys()]).toEqual(keys);
  expect(each.every(({ version }) => version === 1)).toBe(true);
  expect(a.fetches.map(({ length }) => length)).toEqual([250, 250, 100]);
});

test('a key that is fetched alone does not wait for another one that takes long', async () => {
  const times = [2_000, 0];
  const a = await open({ fetches: { keys: 1, atOnce: 2 }, fetchMs: () => times.shift()! });
  const [slow, quick] = [await warm(), await warm()];
  const waits = a.cache.get(slow);
  expect(await Promise.race([waits.then(() => 'slow'), a.cache.get(quick).then(() => 'quick')])).toBe('quick');
});

test('a reader with min_version is never given less, and asks the primary where the replica is behind', async () => {
  const [a, b] = [await open(), await open()];
  const key = await warm(a, b);
  versions.commit(key);
  expect(text(await b.cache.get(key))).toBe(`${key}@1 l1`);
  expect(text(await b.cache.get(key, { minVersion: 2 }))).toBe(`${key}@2 primary`);
  // What it has seen once it keeps to, also where Redis or the replica know less.
  await b.redis.del(`rk:${name}:v1:{${key}}:thing`);
  await b.cache.invalidate(key);
  expect((await b.cache.get(key)).version).toBe(2);
});

test('a reader who wants more than a running fetch looks for takes part in the next one', async () => {
  const a = await open({ fetchMs: () => 30 });
  const key = await warm();
  const first = a.cache.get(key);
  await until(() => a.fetches.length === 1, { what: 'the first fetch', every: 1 });
  versions.commit(key);
  const [joined, ...demanding] = await Promise.all([
    a.cache.get(key),
    ...Array.from({ length: 100 }, () => a.cache.get(key, { minVersion: 2 })),
  ]);
  expect((await first).version).toBe(1);
  expect(joined!.version).toBe(1);
  expect(new Set(demanding.map(({ version }) => version))).toEqual(new Set([2]));
  expect(a.fetches).toHaveLength(2);
});

test('a reader with max_staleness is given nothing older', async () => {
  const a = await open();
  const key = await warm(a);
  const { asOf } = await a.cache.get(key);
  await until(() => Date.now() > asOf + 20, { what: 'time to go by' });
  const since = Date.now() - 10;
  const fresh = await a.cache.get(key, { maxStalenessMs: 10 });
  expect(fresh.asOf).toBeGreaterThanOrEqual(since);
  expect(a.fetches).toHaveLength(2);
  expect((await a.cache.get(key, { maxStalenessMs: 60_000 })).source).toBe('l1');
});

test('an older fill or a late write never replaces a newer value in Redis', async () => {
  const [a, b] = [await open(), await open({ deaf: true, fetchMs: () => 50 })];
  const key = await warm(b);
  const value = `rk:${name}:v1:{${key}}:thing`;
  const late = b.cache.get(key, { maxStalenessMs: 0 });
  await until(() => b.fetches.length === 2, { what: 'the slow fetch to begin', every: 1 });
  await write(a, key);
  expect((await late).version).toBe(1);
  // The fill travels on the same connection, in three messages at most.
  for (let message = 0; message < 4; message += 1) await b.redis.exists(value);
  expect((await a.redis.getBuffer(value))!.subarray(17).toString()).toBe(`${key}@2`);
  await b.cache.put(key, versions.entryOf(key, 1));
  expect((await a.redis.getBuffer(value))!.subarray(17).toString()).toBe(`${key}@2`);
});

test('a fetch that ends after a write of its own process brings nothing older', async () => {
  const [a, b] = [
    await open({ deaf: true, fetchMs: () => 50 }),
    await open({ deaf: true, fetchMs: () => 50, l1: { maxBytes: 0, ttlMs: 1_000 } }),
  ];
  for (const process of [a, b]) {
    const key = await warm();
    const early = process.cache.get(key);
    await until(() => process.fetches.length === 1, { what: 'the fetch to begin', every: 1 });
    await write(process, key);
    expect((await early).version).toBe(2);
    expect((await process.cache.get(key)).version).toBe(2);
  }
  expect(a.cache.peek([...versions.primary.keys()][0]!)?.version).toBe(2);
});

test('a fetch that began before a write was heard of is not kept in memory', async () => {
  const [a, b] = [await open(), await open({ fetchMs: () => 100 })];
  const key = await warm();
  const early = b.cache.get(key);
  await until(() => b.fetches.length === 1, { what: 'the fetch to begin', every: 1 });
  await write(a, key);
  await until(() => b.cache.stats().invalidations === 1, { what: 'the marker', every: 1 });
  const later = b.cache.get(key);
  expect((await early).version).toBe(1);
  expect((await later).version).toBe(2);
  expect(b.cache.peek(key)?.version).toBe(2);
});

test('an absent key is remembered briefly, and no longer than until somebody creates it', async () => {
  const [a, b] = [await open({ absentTtlMs: 100 }), await open()];
  const key = randomUUID();
  expect((await a.cache.get(key)).bytes).toBeUndefined();
  expect((await a.cache.get(key)).source).toBe('l1');
  expect(a.fetches).toHaveLength(1);
  await until(async () => (await a.cache.get(key)) && a.fetches.length === 2, { what: 'the memory of it to end' });
  await b.cache.get(key);
  await write(a, key);
  expect((await a.cache.get(key)).version).toBe(1);
  await until(async () => (await b.cache.get(key)).version === 1, { what: 'the new key', within: 500 });
});

test('a key that is asked for is refreshed before it ends, by one process, while the old entry is served', async () => {
  // Between the refresh, at three quarters of its life, and its end are 900 ms at least, which a busy machine needs.
  const short = { l1: { maxBytes: 1_000_000, ttlMs: 150 }, l2: { ttlMs: 6_000 } };
  const processes = await Promise.all([open(short), open(short), open(short)]);
  const [first] = processes;
  const key = await warm(first);
  await first.cache.get(key, { maxStalenessMs: 0 });
  await until(() => isStored(first, key), { what: 'the fill' });
  const sources = new Set<string>();
  const fetches = () => processes.reduce((sum, process) => sum + process.fetches.length, 0);
  await until(
    async () => {
      for (const { cache } of processes) sources.add((await cache.get(key)).source);
      return fetches() >= 3;
    },
    { what: 'the value to be refreshed', every: 5, within: 15_000 },
  );
  for (const { cache } of processes) sources.add((await cache.get(key)).source);
  expect(sources).toEqual(new Set(['l1', 'l2']));
  expect(fetches()).toBe(3);
});

test('a reader who leaves is let go, and the fetch goes on for the others', async () => {
  const a = await open({ fetchMs: () => 50 });
  const key = await warm();
  const leaver = new AbortController();
  const left = a.cache.get(key, { signal: leaver.signal });
  const stays = a.cache.get(key);
  leaver.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  expect((await stays).version).toBe(1);
  await expect(a.cache.get(randomUUID(), { signal: leaver.signal })).rejects.toThrow('gone');
});

test('keys with braces, percent signs, colons and nothing at all keep their values and their markers', async () => {
  const [a, b] = [await open(), await open()];
  const heard = new Set<string>();
  b.cache.onInvalidate((key) => heard.add(key));
  const keys = ['', '{', '}', '{}', 'a}:b', '%7B', '%', 'ä€', ':'];
  for (const key of keys) await write(a, key);
  for (const key of keys) expect(text(await b.cache.get(key))).toBe(`${key}@1 l2`);
  await until(() => heard.size === keys.length, { what: 'each marker' });
  expect([...heard].sort()).toEqual([...keys].sort());
});

test('the slot of a key is the one that the cluster says', async () => {
  const { redis } = await open();
  for (const key of ['', 'key', 'rk:x:v1:{ä€}:thing', '{}a', '{a}b{c}', 'a}{b']) {
    expect(slotOf(key)).toBe(await redis.cluster('KEYSLOT', key));
  }
});
