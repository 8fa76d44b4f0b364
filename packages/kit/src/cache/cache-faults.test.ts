import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { startValkey, type ValkeyCluster } from '@realmkeep/testkit/parts/valkey';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createVersions, openProcess, type TestProcess } from './cache.fixture.ts';

let folder: string;
let valkey: ValkeyCluster;
let versions: ReturnType<typeof createVersions>;
let a: TestProcess;
let b: TestProcess;

// A cluster of the file's own: its nodes are frozen, filled and killed.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-cache-'));
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
  versions = createVersions();
  const addresses = { nodes: valkey.addresses, password: 'secret' };
  const options = { valkey: addresses, name: `faults-${randomUUID()}`, versions, waitMs: 50 };
  [a, b] = await Promise.all([openProcess(options), openProcess(options)]);
});
afterEach(() => {
  a?.close();
  b?.close();
});

const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);

/** Writes and reads through both processes until it is told to end; answers the slowest read and write in milliseconds. */
function keepBusy() {
  const seen = [new Map<string, number>(), new Map<string, number>()];
  const slowest = { read: 0, write: 0 };
  const stop = new AbortController();
  let turn = 0;

  async function one(index: number, key: string): Promise<void> {
    const { cache } = index === 0 ? a : b;
    const start = performance.now();
    if (Math.random() < 0.1) {
      const version = versions.commit(key);
      setTimeout(() => versions.follow(key), 20);
      await cache.put(key, versions.entryOf(key, version));
      slowest.write = Math.max(slowest.write, performance.now() - start);
      const read = await cache.get(key, { minVersion: version });
      expect(read.version).toBeGreaterThanOrEqual(version);
      return;
    }
    const before = seen[index]!.get(key) ?? 0;
    const { version } = await cache.get(key);
    slowest.read = Math.max(slowest.read, performance.now() - start);
    expect(version).toBeGreaterThanOrEqual(before);
    seen[index]!.set(key, Math.max(version, seen[index]!.get(key) ?? 0));
  }

  const done = (async () => {
    while (!stop.signal.aborted) {
      turn += 1;
      await Promise.all(keys.flatMap((key) => [one(0, key), one(1, key)]));
      await delay(2);
    }
  })();
  return {
    turns: () => turn,
    async end() {
      stop.abort();
      await done;
      return slowest;
    },
  };
}

/** A write of each key through one process is soon seen by the other, which has had the keys in memory. */
async function expectWhole(): Promise<void> {
  await until(() => a.markers.complete && b.markers.complete, { what: 'every master to tell of markers' });
  await until(() => a.cache.stats().undone + b.cache.stats().undone === 0, { what: 'what Redis had missed' });
  await until(
    async () => {
      await b.cache.getMany(keys);
      const written = keys.map((key) => [key, versions.commit(key)] as const);
      await Promise.all(written.map(([key, version]) => a.cache.put(key, versions.entryOf(key, version))));
      await delay(100);
      const read = await b.cache.getMany(keys);
      return written.every(([key, version]) => read.get(key)!.version >= version);
    },
    { what: 'each write to be seen within 100 ms' },
  );
}

test('while each Redis node and then all are killed and come back, nothing fails, waits long or goes back', async () => {
  const load = keepBusy();
  const someTurns = async () => {
    const from = load.turns();
    await until(() => load.turns() > from + 30, { what: 'reads and writes to go on', within: 20_000 });
  };
  await someTurns();
  for (const node of valkey.nodes) {
    await node.kill();
    await someTurns();
    await node.start();
    await someTurns();
  }
  await Promise.all(valkey.nodes.map((node) => node.kill()));
  await someTurns();
  await Promise.all(valkey.nodes.map((node) => node.start()));
  await someTurns();
  const slowest = await load.end();
  expect(slowest.read).toBeLessThan(500);
  expect(slowest.write).toBeLessThan(500);
  await expectWhole();
}, 120_000);

test('a Redis node that hangs costs a bounded wait, and then none until it answers again', async () => {
  await a.cache.getMany(keys);
  const frozen = valkey.nodes[0]!.pid!;
  process.kill(frozen, 'SIGSTOP');
  try {
    const slowest = await (async () => {
      const load = keepBusy();
      await until(() => load.turns() > 100, { what: 'reads and writes to go on', within: 20_000 });
      return load.end();
    })();
    expect(slowest.read).toBeLessThan(500);
    expect(a.cache.stats().l2Skipped).toBeGreaterThan(0);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
  await expectWhole();
}, 60_000);

test('a process that loses the way it hears of writes empties its memory', async () => {
  await b.cache.getMany(keys);
  const before = b.cache.stats();
  const connections = await Promise.all(
    b.redis.nodes('master').map(async (node) => ({ node, list: String(await node.client('LIST')) })),
  );
  for (const { node, list } of connections) {
    for (const line of list.split('\n').filter((client) => / flags=\w*[tB]/.test(client))) {
      await node.client('KILL', 'ID', / ?id=(\d+)/.exec(line)![1]!);
    }
  }
  await until(() => b.cache.stats().emptied > before.emptied, { what: 'the memory to be emptied' });
  await expectWhole();
});

test('a Redis without memory gives out no old value for a new one', async () => {
  const write = (key: string) => a.cache.put(key, versions.entryOf(key, versions.commit(key)));
  for (const key of keys) await write(key);
  await b.cache.getMany(keys);
  const limit = (maxmemory: string, policy: string) =>
    Promise.all(
      a.redis
        .nodes('master')
        .flatMap((node) => [
          node.config('SET', 'maxmemory-policy', policy),
          node.config('SET', 'maxmemory', maxmemory),
        ]),
    );
  await limit('1', 'noeviction');
  try {
    for (const key of keys) await write(key);
    expect(a.cache.stats().undone).toBe(keys.length);
    await delay(100);
    const read = await b.cache.getMany(keys);
    expect([...read.values()].every(({ version }) => version === 2)).toBe(true);
  } finally {
    await limit('256mb', 'volatile-lru');
  }
  await expectWhole();
});
