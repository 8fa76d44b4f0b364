import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostgresNodes } from './nodes.ts';
import { portOf, sources, startTestCluster } from './test-cluster.ts';

let cluster: Awaited<ReturnType<typeof startTestCluster>>;
let nodes: PostgresNodes;
let ports: number[];

// The tests tell one story of one cluster, in their order.
beforeAll(async () => {
  cluster = await startTestCluster();
  ports = cluster.urls.map((url) => Number(new URL(url).port));
  nodes = await cluster.open({ failoverWaitMs: 5_000 });
});
afterAll(async () => {
  await nodes?.close();
  await cluster?.stop();
});

const insert = (id: number) => ({ name: 'insert', text: 'insert into things values ($1)', values: [id] });

test('while the primary is killed and starts again, idempotent writes wait for it and succeed, and no read fails', async () => {
  const faults: unknown[] = [];
  const acknowledged: number[] = [];
  let over = false;
  const reading = (async () => {
    while (!over) await nodes.read(portOf).catch((error: unknown) => faults.push(error));
  })();
  const text = 'insert into things values ($1) on conflict do nothing';
  const writing = (async () => {
    for (let id = 100; !over; id += 1) {
      await nodes.write((primary) => primary.query({ name: 'add', text, values: [id] }), { idempotent: true });
      acknowledged.push(id);
    }
  })();
  await until(() => acknowledged.length > 50, { what: 'writes' });
  await cluster.parts[0]!.kill();
  await cluster.parts[0]!.start();
  const before = acknowledged.length;
  await until(() => acknowledged.length > before + 50, { what: 'writes after the crash' });
  over = true;
  await Promise.all([reading, writing]);
  expect(faults).toEqual([]);
});

test('a write that a demoted primary refuses waits for the new primary and is done there once', async () => {
  const demote = `alter system set default_transaction_read_only = on`;
  await cluster.sql(0, demote);
  // Until the node is measured again it is still taken for the primary, so the refusal comes from the server.
  await cluster.sql(0, 'select pg_reload_conf()');
  const writing = nodes.write(async (primary) => {
    await primary.query(insert(1));
    return portOf(primary);
  });
  await cluster.sql(1, 'select pg_promote()');
  expect(await writing).toBe(ports[1]);
  expect(await cluster.sql(1, 'select id from things where id = 1')).toEqual([{ id: 1 }]);
  expect(await cluster.sql(0, 'select id from things where id = 1')).toEqual([]);
});

test('an old primary that takes writes again is not used, nor what follows it', async () => {
  await cluster.sql(0, 'alter system reset default_transaction_read_only');
  await cluster.sql(0, 'select pg_reload_conf()');
  await until(async () => (await sources(nodes)).has(ports[1]!), { what: 'reads to leave the abandoned nodes' });
  for (let round = 0; round < 5; round += 1) {
    expect(await sources(nodes)).toEqual(new Set([ports[1]]));
    expect(await nodes.write(portOf)).toBe(ports[1]);
  }
});

test('without the newest primary writes are UNAVAILABLE after a bounded wait, and reads go on', async () => {
  await cluster.parts[1]!.kill();
  await until(() => !nodes.state().writable, { what: 'the kill to be noticed' });
  const start = performance.now();
  await expect(nodes.write(portOf)).rejects.toMatchObject({ code: 14, details: [{}, { retryDelay: { seconds: 1n } }] });
  expect(performance.now() - start).toBeLessThan(6_000);
  expect(await nodes.read(portOf)).toBe(ports[2]);
});
