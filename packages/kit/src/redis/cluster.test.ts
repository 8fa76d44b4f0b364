import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { startValkey, type ValkeyCluster } from '@realmkeep/testkit/parts/valkey';
import type { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRedis } from './cluster.ts';
import { checkEviction } from './eviction.ts';
import { isReady, whenReady } from './readiness.ts';
import { createScript } from './script.ts';

let folder: string;
let valkey: ValkeyCluster;
let redis: Cluster;
const logger = { info: () => undefined, warn: () => undefined };

// A cluster of the file's own: its nodes are frozen and killed.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-redis-'));
  valkey = await startValkey({
    folder: join(folder, 'data'),
    logs: join(folder, 'logs'),
    ports: await Promise.all([1, 2, 3].map(async () => ({ client: await freePort(), bus: await freePort() }))),
    password: 'secret',
    appendonly: false,
    say: () => undefined,
  });
});
afterAll(async () => {
  await valkey?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  redis = createRedis({ nodes: valkey.addresses, password: 'secret', logger });
  expect(await whenReady(redis, 5_000)).toBe(true);
});
afterEach(() => redis.disconnect());

const keys = Array.from({ length: 200 }, (_, index) => `key:${index}`);

async function timed(work: Promise<unknown>): Promise<{ ms: number; failed: boolean }> {
  const start = performance.now();
  const failed = await work.then(
    () => false,
    () => true,
  );
  return { ms: performance.now() - start, failed };
}

test('commands and scripts of all slots mix in one turn and each meets its own key', async () => {
  const swap = createScript(
    redis,
    `local old = redis.call('get', KEYS[1]); redis.call('set', KEYS[1], ARGV[1]); return old`,
  );
  await Promise.all(keys.map((key) => redis.set(key, key)));
  const [read, swapped] = await Promise.all([
    Promise.all(keys.map((key) => redis.get(key))),
    Promise.all(keys.map((key) => swap([key], [`new ${key}`]))),
  ]);
  expect(swapped).toEqual(keys);
  for (const [index, key] of keys.entries()) expect([key, `new ${key}`]).toContain(read[index]);
  expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys.map((key) => `new ${key}`));
  // A node that was started again does not have the script, and is sent it whole.
  await Promise.all(redis.nodes('master').map((node) => node.script('FLUSH')));
  expect(await Promise.all(keys.map((key) => swap([key], [key])))).toEqual(keys.map((key) => `new ${key}`));
});

test('commands to a node that hangs fail within the time of a command, those to others are answered', async () => {
  // Long enough that a busy machine answers in time, so that only the frozen node's commands can run out of it.
  const patient = createRedis({ nodes: valkey.addresses, password: 'secret', commandTimeoutMs: 2_000, logger });
  expect(await whenReady(patient, 5_000)).toBe(true);
  await Promise.all(keys.map((key) => patient.get(key)));
  const frozen = valkey.nodes[0]!.pid!;
  process.kill(frozen, 'SIGSTOP');
  try {
    const outcomes = await Promise.all(keys.map((key) => timed(patient.get(key))));
    const failed = outcomes.filter(({ failed }) => failed).length;
    expect(failed).toBeGreaterThan(keys.length / 6);
    expect(failed).toBeLessThan(keys.length / 2);
    expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(3_500);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await until(async () => (await Promise.all(keys.map((key) => patient.get(key)))).length === keys.length, {
    what: 'every key to be served again',
  });
  patient.disconnect();
});

test('commands fail at once while the whole cluster is away, and succeed when it is back', async () => {
  await Promise.all(keys.map((key) => redis.set(key, 'before')));
  await Promise.all(valkey.nodes.map((node) => node.kill()));
  const gets = () => Promise.all(keys.map((key) => timed(redis.get(key))));
  const slowest = (outcomes: { ms: number }[]) => Math.max(...outcomes.map(({ ms }) => ms));
  const first = await gets();
  expect(first.every(({ failed }) => failed)).toBe(true);
  expect(slowest(first)).toBeLessThan(1_500);
  expect(isReady(redis)).toBe(false);
  await until(() => redis.status !== 'ready', { what: 'the client to begin anew' });
  expect(slowest(await gets())).toBeLessThan(300);
  await Promise.all(valkey.nodes.map((node) => node.start()));
  await until(async () => (await Promise.all(keys.map((key) => redis.set(key, 'back')))).length === keys.length, {
    what: 'every key to be served again',
    within: 20_000,
  });
});

test('a client that never reaches a cluster stays quiet, answers with errors, and can be closed', async () => {
  const lost = createRedis({ nodes: [`127.0.0.1:${await freePort()}`], password: 'secret', logger });
  expect(await whenReady(lost, 300)).toBe(false);
  const { failed, ms } = await timed(lost.get('key'));
  expect(failed).toBe(true);
  expect(ms).toBeLessThan(1_500);
  lost.disconnect();
});

test('an eviction policy that spares no key without a TTL is warned of with its mend', async () => {
  const warnings: string[] = [];
  const hearing = { warn: (_about: unknown, text?: string) => warnings.push(text ?? '') };
  expect(await checkEviction(redis, hearing)).toBe(true);
  const [node] = redis.nodes('master');
  await node!.config('SET', 'maxmemory-policy', 'allkeys-lru');
  expect(await checkEviction(redis, hearing)).toBe(false);
  expect(warnings).toEqual([expect.stringContaining('set its maxmemory-policy to volatile-lru')]);
  await node!.config('SET', 'maxmemory-policy', 'volatile-lru');
});
