import type { Logger } from 'pino';
import { chooseForRead, choosePrimary, newestTimeline } from './choice.ts';
import { type Lookup, lookupHost, nameOf, type Place } from './connection.ts';
import { type Monitor, startMonitor } from './monitor.ts';
import { createNode, type PostgresNode } from './node.ts';
import { followPlaces } from './places.ts';
import type { Measurement } from './probe.ts';

/** A node with what is measured of it. */
export type WatchedNode = {
  readonly node: PostgresNode;
  readonly monitor: Monitor;
  readonly known: Measurement | undefined;
  /** Rounds of addresses that did not name it, one after the other. */
  unnamed: number;
  /** Works of this process that run on it now. */
  busy: number;
};

/** The nodes of one cluster, and the choice among them. */
export type NodeSet = {
  /** The nodes of now; the same array while nodes come and go. */
  readonly all: readonly WatchedNode[];
  /** Resolves once the first look at every node is over, whatever it saw. */
  measured(): Promise<void>;
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
  /** Whether a host stands for as many nodes as it has addresses, which come and go. */
  headless: boolean;
  /** Default: the system's. */
  lookup?: Lookup;
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
/** A node that answers is let go after so many rounds of addresses that did not name it: it may come back. */
const ROUNDS_UNNAMED = 5;

export function createNodeSet(options: NodeSetOptions): NodeSet {
  const { urls, headless, lookup = lookupHost, maxReplicaLagMs, logger } = options;
  const waiting = new Set<() => void>();
  const all: WatchedNode[] = [];
  const leaving = new Set<Promise<unknown>>();
  // Never goes back: when the newest primary dies, one that it had replaced must not take its place.
  let newest = 0;
  let turn = 0;
  const changed = () => {
    newest = newestTimeline(all, newest);
    for (const awake of waiting) awake();
  };

  function enter(place: Place): void {
    all.push(watchNode(options, place, changed));
  }
  function leave(watched: WatchedNode): void {
    all.splice(all.indexOf(watched), 1);
    const left = Promise.all([watched.monitor.close(), watched.node.close()]).finally(() => leaving.delete(left));
    leaving.add(left);
  }
  function settle(places: Place[]): void {
    const names = new Set(places.map(nameOf));
    for (const watched of [...all]) {
      watched.unnamed = names.has(watched.node.name) ? 0 : watched.unnamed + 1;
      if (watched.unnamed >= ROUNDS_UNNAMED || (watched.unnamed > 0 && !watched.known)) leave(watched);
    }
    const had = new Set(all.map(({ node }) => node.name));
    for (const place of places) if (!had.has(nameOf(place))) enter(place);
    changed();
  }

  if (!headless) for (const url of urls) enter({ url });
  const places = headless ? followPlaces({ urls, lookup, told: settle, logger }) : undefined;

  return {
    all,
    measured: async () => {
      await places?.followed;
      await Promise.all(all.map(({ monitor }) => monitor.looked));
    },
    primary: () => choosePrimary(all, newest),
    forRead: (maxStalenessMs) => {
      turn = (turn + 1) % Math.max(1, all.length);
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
          places?.look();
          for (const { monitor } of all) monitor.look();
          awake();
        }, LOOK_EVERY);
        waiting.add(awake);
        awake();
      }),
    close: async () => {
      places?.close();
      await Promise.all([...leaving, ...all.map(({ node, monitor }) => Promise.all([monitor.close(), node.close()]))]);
    },
  };
}

function watchNode(options: NodeSetOptions, place: Place, changed: () => void): WatchedNode {
  const { name, measureEveryMs, measureTimeoutMs, logger } = options;
  const node = createNode({ ...options, place, applicationName: name });
  const monitor = startMonitor({
    name: node.name,
    place,
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
    unnamed: 0,
    busy: 0,
    get known() {
      return monitor.known();
    },
  };
}
