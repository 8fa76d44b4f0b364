import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostgresNodes } from './nodes.ts';
import { portOf, sources, startTestCluster } from './test-cluster.ts';

let cluster: Awaited<ReturnType<typeof startTestCluster>>;
let ports: number[];
beforeAll(async () => {
  cluster = await startTestCluster();
  ports = cluster.urls.map((url) => Number(new URL(url).port));
});
afterAll(() => cluster?.stop());

/** A pod: an address of its own, with the cluster's one port, that leads to a server. */
async function startPod(address: string, port: number, to: number) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(port, address);
  await once(server, 'listening');
  return async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
}

// Addresses of the loopback net other than 127.0.0.1 are there without set-up on Linux alone.
test.skipIf(process.platform !== 'linux')(
  'each address of a name is a node, and pods that move to new addresses are followed while no read or write fails',
  async () => {
    const port = await freePort();
    const [primary, first, second] = ports as [number, number, number];
    const pods = new Map<string, () => Promise<void>>();
    const start = async (address: string, to: number) => pods.set(address, await startPod(address, port, to));
    const end = async (address: string) => {
      await pods.get(address)?.();
      pods.delete(address);
    };
    let named = ['127.0.0.11', '127.0.0.12'];
    await start('127.0.0.11', primary);
    await start('127.0.0.12', first);

    const url = new URL(cluster.urls[0]!);
    url.host = `pods.test:${port}`;
    const lookup = async () => named;
    const nodes = await cluster.open({ urls: [url.href], headless: true, lookup, ready: 1 });
    expect(await sources(nodes)).toEqual(new Set([first]));
    expect(await nodes.write(portOf)).toBe(primary);

    const load = startLoad(nodes);
    // A replica comes.
    await start('127.0.0.13', second);
    named = [...named, '127.0.0.13'];
    await expect.poll(() => sources(nodes)).toEqual(new Set([first, second]));
    // A replica moves: its old address is gone before the new one is named.
    await end('127.0.0.12');
    await start('127.0.0.22', first);
    named = ['127.0.0.11', '127.0.0.22', '127.0.0.13'];
    await expect.poll(() => sources(nodes)).toEqual(new Set([first, second]));
    // The primary moves.
    await end('127.0.0.11');
    await start('127.0.0.21', primary);
    named = ['127.0.0.21', '127.0.0.22', '127.0.0.13'];
    await expect.poll(() => nodes.write(portOf)).toBe(primary);
    // One that is not named any more, but answers, is let go too.
    named = ['127.0.0.21', '127.0.0.13'];
    await expect.poll(() => sources(nodes), { timeout: 30_000 }).toEqual(new Set([second]));
    expect(await load.end()).toEqual([]);

    await nodes.close();
    for (const address of [...pods.keys()]) await end(address);
  },
  60_000,
);

/** Reads and writes without a pause; `end` answers their faults. */
function startLoad(nodes: PostgresNodes) {
  const faults: unknown[] = [];
  let over = false;
  const one = async (work: () => Promise<unknown>) => {
    while (!over) await work().catch((fault: unknown) => faults.push(fault));
  };
  const running = [one(() => nodes.read(portOf)), one(() => nodes.write(portOf, { idempotent: true }))];
  return {
    end: async () => {
      over = true;
      await Promise.all(running);
      return faults;
    },
  };
}
