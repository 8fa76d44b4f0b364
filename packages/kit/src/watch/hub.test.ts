import { metrics } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWatchHub, type WatchHub } from './hub.ts';

/** What a test's keys stand for: the stored version of each, and how its reads go. */
let stored: Map<string, bigint>;
/** What a lagging copy answers instead. */
let lagging: Map<string, bigint>;
let reads: string[][];
let failing: Error | undefined;
/** The key that can not be read. */
const broken = 'broken';
let gate: Promise<void> | undefined;
let checks: number;
let hub: WatchHub;
let warnings: unknown[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [stored, lagging, reads, failing, gate, checks, warnings] = [new Map(), new Map(), [], undefined, undefined, 0, []];
  hub = createWatchHub({
    name: 'test',
    meter: metrics.getMeter('test'),
    logger: { warn: (facts: unknown) => void warnings.push(facts) },
    source: {
      async load(floors) {
        const keys = [...floors.keys()];
        reads.push(keys);
        const seen = new Map([...stored, ...lagging]);
        await gate;
        if (failing) throw failing;
        const found = keys.filter((key) => seen.has(key));
        return new Map(found.map((key) => [key, key === broken ? new Error('torn') : watched(seen.get(key)!)]));
      },
      async newer(known) {
        checks += 1;
        if (failing) throw failing;
        const versions = [...known].filter(([key, version]) => stored.get(key)! > version);
        return { versions: new Map(versions.map(([key]) => [key, stored.get(key)!])), asOf: checks };
      },
      absent: (key) => new Error(`no ${key}`),
      heartbeat: (asOf) => Buffer.from(`beat ${asOf ?? 'unknown'}`),
    },
  });
});
afterEach(async () => {
  await hub.close();
  vi.useRealTimers();
});

function watched(version: bigint) {
  return { version, bytes: Buffer.from(`${version}`), asOf: 0 };
}

/** Reads of a watch, as text. */
function watch(key: string, fromVersion = 0n) {
  const answers = hub.watch(key, fromVersion);
  return {
    next: async () => {
      const { done, value } = await answers.next();
      return done ? 'end' : value.toString();
    },
    leave: () => answers.return?.(),
  };
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

test('the current version comes at once, then each newer one, never an older one', async () => {
  stored.set('a', 7n);
  const ada = watch('a');
  expect(await ada.next()).toBe('7');
  for (let version = 8n; version <= 20n; version += 1n) {
    stored.set('a', version);
    hub.changed('a', version);
    expect(await ada.next()).toBe(`${version}`);
  }
  // A late word of an older version, and a read of a copy that lags behind, are not told.
  const next = ada.next();
  hub.changed('a', 19n);
  hub.changed('a');
  lagging.set('a', 12n);
  hub.changed('a', 21n);
  await settle();
  lagging.clear();
  stored.set('a', 21n);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await next).toBe('21');
});

test('a watch resumes: a heartbeat says that nothing is newer, and only a newer version follows', async () => {
  stored.set('a', 7n);
  const ada = watch('a', 7n);
  expect(await ada.next()).toBe('beat 0');
  stored.set('a', 8n);
  hub.changed('a', 8n);
  expect(await ada.next()).toBe('8');
  const ahead = watch('a', 9n);
  expect(await ahead.next()).toBe('beat 0');
  const next = ahead.next();
  for (const version of [9n, 10n]) {
    stored.set('a', version);
    hub.changed('a', version);
    await settle();
  }
  expect(await next).toBe('10');
});

test('however many watch a key, it is read once for all of them', async () => {
  stored.set('a', 1n);
  const watches = Array.from({ length: 1_000 }, () => watch('a'));
  expect(new Set(await Promise.all(watches.map(({ next }) => next())))).toEqual(new Set(['1']));
  expect(reads).toEqual([['a']]);
  stored.set('a', 2n);
  const next = watches.map((each) => each.next());
  for (let times = 0; times < 100; times += 1) hub.changed('a', 2n);
  expect(new Set(await Promise.all(next))).toEqual(new Set(['2']));
  expect(reads).toEqual([['a'], ['a']]);
});

test('keys that change together are read together, at most 250 at a time', async () => {
  const keys = Array.from({ length: 600 }, (_, index) => `k${index}`);
  for (const key of keys) stored.set(key, 1n);
  await Promise.all(keys.map((key) => watch(key).next()));
  expect(reads.map((batch) => batch.length)).toEqual([250, 250, 100]);
});

test('nobody is answered with what was read before they came', async () => {
  stored.set('a', 1n);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const early = watch('a').next();
  await settle();
  stored.set('a', 2n);
  const late = watch('a').next();
  await settle();
  resolve();
  expect(await early).toBe('1');
  expect(await late).toBe('2');
});

test('one who comes while a change is read is not turned away', async () => {
  stored.set('a', 1n);
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  const first = watch('a').next();
  await settle();
  stored.set('a', 2n);
  hub.changed('a', 2n);
  resolve();
  expect(await first).toBe('2');
});

test('a slow reader gets the newest version and not those in between', async () => {
  stored.set('a', 1n);
  const [slow, fast] = [watch('a'), watch('a')];
  await Promise.all([slow.next(), fast.next()]);
  for (let version = 2n; version <= 50n; version += 1n) {
    stored.set('a', version);
    hub.changed('a', version);
    expect(await fast.next()).toBe(`${version}`);
  }
  expect(await slow.next()).toBe('50');
  stored.set('a', 51n);
  hub.changed('a', 51n);
  expect(await slow.next()).toBe('51');
});

test('a change that nobody told of is found by the check, of all keys in one question', async () => {
  const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
  for (const key of keys) stored.set(key, 1n);
  const watches = keys.map((key) => watch(key));
  await Promise.all(watches.map(({ next }) => next()));
  for (const key of keys) stored.set(key, 2n);
  const next = watches.map((each) => each.next());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(new Set(await Promise.all(next))).toEqual(new Set(['2']));
  expect(checks).toBe(1);
});

test('while it can not be read new watches are refused and open ones go on, and nothing is missed', async () => {
  stored.set('a', 1n);
  const ada = watch('a');
  await ada.next();
  const next = ada.next();
  failing = new Error('away');
  stored.set('a', 2n);
  hub.changed('a', 2n);
  await expect(watch('a').next()).rejects.toThrow('away');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(warnings.length).toBeGreaterThan(1);
  failing = undefined;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await next).toBe('2');
});

test('a key that is not there is refused, and is not watched any more', async () => {
  await expect(watch('b').next()).rejects.toThrow('no b');
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
});

test('a key that can not be read is refused alone', async () => {
  stored.set(broken, 1n).set('a', 1n);
  const [torn, whole] = [watch(broken).next(), watch('a').next()];
  await expect(torn).rejects.toThrow('torn');
  expect(await whole).toBe('1');
  expect(reads).toEqual([[broken, 'a']]);
});

test('silence is broken by heartbeats, which tell how long nothing was newer', async () => {
  stored.set('a', 1n);
  const ada = watch('a');
  await ada.next();
  for (let times = 0; times < 3; times += 1) {
    const next = ada.next();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await next).toBe(`beat ${checks - 1}`);
    expect(checks).toBeGreaterThan(14 * (times + 1));
  }
  // A slow reader is not sent what it does not take.
  await vi.advanceTimersByTimeAsync(60_000);
  const next = ada.next();
  stored.set('a', 2n);
  hub.changed('a', 2n);
  expect(await next).toBe('2');
});

test('a reader that leaves is forgotten at once, also while it is answered, and one that never began costs nothing', async () => {
  stored.set('a', 1n);
  hub.watch('a', 0n);
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
  const [first, second] = [watch('a'), watch('a')];
  const unanswered = first.next();
  expect(hub.size()).toEqual({ watches: 1, keys: 1 });
  await first.leave();
  expect(await unanswered).toBe('end');
  expect(await first.next()).toBe('end');
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
  expect(await second.next()).toBe('1');
  stored.set('a', 2n);
  hub.changed('a', 2n);
  await settle();
  await second.leave();
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
  expect(vi.getTimerCount()).toBe(1);
});

test('closing ends every watch as one to call again, waiting or slow, and lets none begin', async () => {
  stored.set('a', 1n);
  const [waiting, slow] = [watch('a'), watch('a')];
  await Promise.all([waiting.next(), slow.next()]);
  const next = waiting.next();
  const closing = hub.close();
  await expect(next).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  await expect(slow.next()).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  await expect(watch('a').next()).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  await closing;
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
});
