import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from './ports.ts';
import { startValkey, type ValkeyCluster } from './valkey.ts';

let folder: string;
let valkey: ValkeyCluster | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-valkey-'));
});

afterEach(async () => {
  await valkey?.stop();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<Cluster> {
  const ports = [1, 2, 3].map(async () => ({ client: await freePort(), bus: await freePort() }));
  valkey = await startValkey({
    folder: join(folder, 'valkey'),
    logs: join(folder, 'logs'),
    ports: await Promise.all(ports),
    password: 'secret',
    appendonly: true,
    say: () => undefined,
  });
  const nodes = valkey.addresses.map((address) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) }));
  return new Cluster(nodes, { redisOptions: { password: 'secret' } });
}

test('a cluster that starts again on other ports keeps its keys on all masters', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `key:${index}`);
  let client = await start();
  await Promise.all(names.map((name) => client.set(name, name)));
  client.disconnect();
  await valkey!.stop();
  client = await start();
  expect(await Promise.all(names.map((name) => client.get(name)))).toEqual(names);
  client.disconnect();
});
