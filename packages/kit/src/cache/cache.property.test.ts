import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { stores } from '@realmkeep/testkit/stores';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVersions, openProcess, type TestProcess } from './cache.fixture.ts';

const KEYS = ['a', 'b', 'c'];
const name = `property-${randomUUID()}`;
const versions = createVersions();
/** Milliseconds that fetches take, in turn. */
let delays: number[] = [0];
let turn = 0;
let processes: TestProcess[] = [];

beforeAll(async () => {
  const { valkey } = await stores();
  const fetchMs = () => delays[turn++ % delays.length]!;
  // Lives so short that entries end in between.
  const lives = { l1: { maxBytes: 100_000, ttlMs: 8 }, absentTtlMs: 5 };
  processes = await Promise.all(
    [false, true].map((deaf) => openProcess({ valkey, name, versions, fetchMs, deaf, ...lives })),
  );
});
afterAll(() => {
  for (const process of processes) process.close();
});

/** What happens to a key. Redis forgets, or comes back with what it once had; a writer may die before its write-through. */
const KINDS = [
  'read',
  'read',
  'read',
  'demand',
  'fresh',
  'write',
  'write',
  'follow',
  'dies',
  'forget',
  'revert',
  'drop',
];
const operation = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.nat({ max: 1 }),
  key: fc.constantFrom(...KEYS),
  /** Between commit and write-through, and before the next operation. */
  wait: fc.nat({ max: 6 }),
});

test('whatever is read, written, lost and late, no process gets an older version after a newer one', async () => {
  let reads = 0;
  const property = fc.asyncProperty(
    fc.array(operation, { minLength: 30, maxLength: 90 }),
    fc.array(fc.nat({ max: 6 }), { minLength: 1 }),
    async (operations, someDelays) => {
      delays = someDelays;
      const run = randomUUID();
      const seen = processes.map(() => new Map<string, number>());
      const early = new Map<string, Buffer>();

      async function read(index: number, key: string, demand: { minVersion?: number; maxStalenessMs?: number }) {
        const before = Math.max(seen[index]!.get(key) ?? 0, demand.minVersion ?? 0);
        const since = Date.now() - (demand.maxStalenessMs ?? Number.POSITIVE_INFINITY);
        const { version, asOf } = await processes[index]!.cache.get(key, demand);
        expect(version).toBeGreaterThanOrEqual(before);
        expect(version).toBeLessThanOrEqual(versions.primary.get(key) ?? 0);
        if (version > 0) expect(asOf).toBeGreaterThanOrEqual(since);
        see(index, key, version);
        reads += 1;
      }
      function see(index: number, key: string, version: number) {
        seen[index]!.set(key, Math.max(version, seen[index]!.get(key) ?? 0));
      }

      async function happen({ kind, at, key: letter, wait }: { kind: string; at: number; key: string; wait: number }) {
        const key = `${run}-${letter}`;
        const value = `rk:${name}:v1:{${key}}:thing`;
        const { cache, redis } = processes[at]!;
        if (kind === 'read') return read(at, key, {});
        if (kind === 'demand') return read(at, key, { minVersion: versions.primary.get(key) ?? 0 });
        if (kind === 'fresh') return read(at, key, { maxStalenessMs: 3 });
        if (kind === 'follow') return versions.follow(key);
        if (kind === 'drop') return void (await cache.invalidate(key));
        if (kind === 'forget') return void (await redis.del(value));
        if (kind === 'revert') {
          const then = early.get(key);
          if (then) await redis.set(value, then, 'PX', 60_000);
          const now = await redis.getBuffer(value);
          if (now && !then) early.set(key, Buffer.from(now));
          return;
        }
        const entry = versions.entryOf(key, versions.commit(key));
        if (kind === 'dies') return;
        await delay(wait);
        const put = cache.put(key, entry);
        see(at, key, entry.version);
        await put;
      }

      const running: Promise<void>[] = [];
      for (const one of operations) {
        running.push(happen(one).then(() => undefined));
        if (one.wait > 3) await delay(one.wait - 3);
      }
      await Promise.all(running);
      for (const letter of KEYS) {
        const key = `${run}-${letter}`;
        const minVersion = versions.primary.get(key) ?? 0;
        for (const index of processes.keys()) await read(index, key, { minVersion });
      }
    },
  );
  await fc.assert(property, { numRuns: 40 });
  expect(reads).toBeGreaterThan(500);
}, 60_000);
