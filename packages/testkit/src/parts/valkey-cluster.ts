import type { Redis } from 'ioredis';
import { until } from './until.ts';
import { valkeyNode } from './valkey-node.ts';

const SLOTS = 16_384;

/**
 * Joins running nodes into one cluster: the first `masters` share the slots, the rest are replicas of them in turn.
 * Nodes that formed a cluster before keep their slots and data; they only meet again, for their ports may have changed.
 */
export async function formCluster(options: {
  ports: { client: number; bus: number }[];
  masters: number;
  password: string;
}): Promise<void> {
  const { ports, masters, password } = options;
  const nodes = ports.map(({ client }) => valkeyNode(client, password));
  try {
    await Promise.all(nodes.map((node) => node.connect()));
    if (await whole(nodes)) return;
    const fresh = Number(info(String(await nodes[0]!.cluster('INFO')), 'cluster_slots_assigned')) === 0;
    if (fresh) await Promise.all(nodes.slice(0, masters).map((node, index) => assign(node, index, masters)));
    const meet = (node: Redis) =>
      ports.map(({ client, bus }) => node.call('CLUSTER', 'MEET', '127.0.0.1', String(client), String(bus)));
    await Promise.all(nodes.flatMap(meet));
    if (fresh) await Promise.all(nodes.slice(masters).map((node, index) => follow(node, nodes[index % masters]!)));
    await until(() => whole(nodes), { what: 'the Valkey cluster to cover all slots', within: 30_000, every: 50 });
  } finally {
    for (const node of nodes) node.disconnect();
  }
}

async function assign(node: Redis, index: number, masters: number): Promise<void> {
  const first = Math.floor((index * SLOTS) / masters);
  const last = Math.floor(((index + 1) * SLOTS) / masters) - 1;
  await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
}

async function follow(replica: Redis, master: Redis): Promise<void> {
  const id = String(await master.cluster('MYID'));
  const known = async () => {
    await replica.call('CLUSTER', 'REPLICATE', id);
    return true;
  };
  await until(known, { what: 'a Valkey replica to know its master', within: 15_000 });
}

/** Whether every node sees every other connected and all slots served. */
async function whole(nodes: Redis[]): Promise<boolean> {
  const views = await Promise.all(
    nodes.map(async (node) => {
      const state = info(String(await node.cluster('INFO')), 'cluster_state');
      const lines = String(await node.cluster('NODES'))
        .trim()
        .split('\n');
      const slots = lines.flatMap((line) => line.split(' ').slice(8)).reduce((sum, range) => sum + count(range), 0);
      const connected = lines.filter(
        (line) => line.split(' ')[7] === 'connected' && !/fail|handshake|noaddr/.test(line),
      );
      return state === 'ok' && slots === SLOTS && connected.length === nodes.length && lines.length === nodes.length;
    }),
  );
  return views.every(Boolean);
}

function count(range: string): number {
  const [first, last = first] = range.split('-').map(Number);
  return last! - first! + 1;
}

function info(text: string, key: string): string | undefined {
  return new RegExp(`^${key}:(.*?)\\r?$`, 'm').exec(text)?.[1];
}
