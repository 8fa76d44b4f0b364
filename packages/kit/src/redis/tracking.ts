import type { Cluster } from 'ioredis';
import type { Logger } from 'pino';
import { openTrackingConnection, type TrackingConnection } from './tracking-connection.ts';

export type TrackingOptions = {
  redis: Cluster;
  /** How the keys begin. */
  prefix: string;
  /** Called with each key that somebody sets, deletes or lets expire; also with those that this process touches. */
  touched: (key: string) => void;
  /**
   * Called when touches may have been missed: a connection was lost, a master came or went, a node was emptied, or
   * tracking is complete again.
   */
  missed: () => void;
  logger: Pick<Logger, 'info' | 'warn'>;
};

export type Tracking = {
  /** Whether every master is heard of. */
  readonly complete: boolean;
  close(): void;
};

/** Milliseconds between two looks at which masters there are, and at whether their connections live. */
const LOOK_EVERY = 500;

/** Hears of touched keys by server-assisted invalidation, over one connection for each master of the cluster. */
export function trackKeys({ redis, prefix, touched, missed, logger }: TrackingOptions): Tracking {
  const connections = new Map<string, TrackingConnection>();
  let complete = false;

  function settle(): void {
    const masters = redis.nodes('master');
    const now = masters.length > 0 && masters.every((node) => connections.get(addressOf(node.options))?.hears);
    if (now === complete) return;
    complete = now;
    if (complete) logger.info({ prefix }, 'every Redis master tells of changed keys');
    else logger.warn({ prefix }, 'not every Redis master tells of changed keys');
  }

  function look(): void {
    const masters = new Map(redis.nodes('master').map((node) => [addressOf(node.options), node]));
    for (const [address, connection] of connections) {
      if (masters.has(address)) {
        connection.check();
      } else {
        connection.close();
        connections.delete(address);
        missed();
      }
    }
    for (const [address, node] of masters) {
      if (connections.has(address)) continue;
      const connection = openTrackingConnection({
        node,
        prefix,
        // What was touched before is known to nobody here.
        ready: () => {
          settle();
          missed();
        },
        touched: (keys) => {
          if (keys) for (const key of keys) touched(key);
          else missed();
        },
        lost: () => {
          const heard = connections.get(address) === connection;
          if (heard) connections.delete(address);
          settle();
          missed();
        },
      });
      connections.set(address, connection);
    }
    settle();
  }

  const timer = setInterval(look, LOOK_EVERY).unref();
  redis.on('ready', look);
  redis.on('+node', look);
  if (redis.status === 'ready') look();

  return {
    get complete() {
      return complete;
    },
    close() {
      clearInterval(timer);
      redis.off('ready', look);
      redis.off('+node', look);
      for (const connection of connections.values()) connection.close();
      connections.clear();
      complete = false;
    },
  };
}

function addressOf({ host, port }: { host?: string | undefined; port?: number | undefined }): string {
  return `${host}:${port}`;
}
