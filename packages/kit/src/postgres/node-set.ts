import type { Logger } from 'pino';
import { chooseForRead, choosePrimary, newestTimeline } from './choice.ts';
import { type Monitor, startMonitor } from './monitor.ts';
import { createNode, type PostgresNode } from './node.ts';
import type { Measurement } from './probe.ts';

/** A node with what is measured of it. */
export type WatchedNode = {
  readonly node: PostgresNode;
  readonly monitor: Monitor;
  readonly known: Measurement | undefined;
  /** Works of this process that run on it now. */
  busy: number;
};

/** The nodes of one cluster, and the choice among them. */
export type NodeSet = {
  readonly all: readonly WatchedNode[];
  primary(): WatchedNode | undefined;
  /** `maxStalenessMs`: only a node whose data are proven to be no older. */
  forRead(maxStalenessMs?: number): WatchedNode | undefined;
  /** Waits until a choice is not undefined any more; looks often meanwhile. Undefined when `deadline` passes. */
  waitFor(choice: () => WatchedNode | undefined, deadline: number): Promise<WatchedNode | undefined>;
  close(): Promise<void>;
};

export type NodeSetOptions = {
  name: string;
  urls: string[];
  poolSize: number;
  maxReplicaLagMs: number;
  connectionWaitMs: number;
  statementTimeoutMs: number;
  measureEveryMs: number;
  measureTimeoutMs: number;
  logger: Pick<Logger, 'info' | 'warn'>;
};

/** Milliseconds between two looks while someone waits for a node. */
const LOOK_EVERY = 100;

export function createNodeSet(options: NodeSetOptions): NodeSet {
  const { name, urls, maxReplicaLagMs, measureEveryMs, measureTimeoutMs, logger } = options;
  const waiting = new Set<() => void>();
  // Never goes back: when the newest primary dies, one that it had replaced must not take its place.
  let newest = 0;
  let turn = 0;
  const changed = () => {
    newest = newestTimeline(all, newest);
    for (const awake of waiting) awake();
  };
  const all: WatchedNode[] = urls.map((url) => {
    const node = createNode({ ...options, url, applicationName: name });
    const monitor = startMonitor({
      name: node.name,
      url,
      applicationName: `${name} monitor`,
      every: measureEveryMs,
      timeoutMs: measureTimeoutMs,
      changed,
      silent: node.sever,
      logger,
    });
    return {
      node,
      monitor,
      busy: 0,
      get known() {
        return monitor.known();
      },
    };
  });

  return {
    all,
    primary: () => choosePrimary(all, newest),
    forRead: (maxStalenessMs) => {
      turn = (turn + 1) % all.length;
      return chooseForRead(all, { maxLagMs: maxReplicaLagMs, maxStalenessMs, newest, turn, now: performance.now() });
    },
    waitFor: (choice, deadline) =>
      new Promise((resolve) => {
        const end = (node: WatchedNode | undefined) => {
          waiting.delete(awake);
          clearInterval(ticking);
          resolve(node);
        };
        const awake = () => {
          const node = choice();
          if (node || performance.now() >= deadline) end(node);
        };
        const ticking = setInterval(() => {
          for (const { monitor } of all) monitor.look();
          awake();
        }, LOOK_EVERY);
        waiting.add(awake);
        awake();
      }),
    close: async () => {
      await Promise.all(all.map(({ node, monitor }) => Promise.all([monitor.close(), node.close()])));
    },
  };
}
