import type { ConnectionOptions } from 'node:tls';
import { Cluster, type ClusterOptions } from 'ioredis';
import type { Logger } from 'pino';
import { checkEviction } from './eviction.ts';

export type RedisOptions = {
  /** Some nodes of the cluster, "host:port": the others are learnt from them. */
  nodes: string[];
  /** Empty or absent: the default user. */
  username?: string;
  /** Empty: none. */
  password: string;
  /**
   * Speaks TLS with these options; `{}` trusts what Node trusts. Each node's certificate is checked against the host by
   * which the cluster announces it, so the cluster has to announce names (`cluster-announce-hostname`) or its
   * certificates hold addresses. Absent: in the clear.
   */
  tls?: ConnectionOptions;
  /** Milliseconds until a command without an answer fails; default 250. */
  commandTimeoutMs?: number;
  logger: Pick<Logger, 'info' | 'warn'>;
};

/** Commands that run a script; the library by itself would route them by their first argument, which is no key. */
const SCRIPT_COMMANDS = ['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'fcall', 'fcall_ro'];

/**
 * So often a lost node is tried at its old address. Then it is forgotten until the cluster names it again, and when every
 * node is forgotten the client begins anew with the names it was given, which may lead to new addresses.
 */
const NODE_ATTEMPTS = 3;

/**
 * A client of a Redis Cluster, which connects in the background and keeps trying. While the cluster, or the node of a
 * key, is away, a command fails at once or within `commandTimeoutMs`: nothing queues up and nothing hangs. A command that
 * timed out may still be done. Commands of one turn of the event loop travel together; see `createScript` for scripts.
 * Once connected it warns of servers that evict what has no TTL.
 */
export function createRedis({
  nodes,
  username = '',
  password,
  tls,
  commandTimeoutMs = 250,
  logger,
}: RedisOptions): Cluster {
  const options: ClusterOptions = {
    // The caller of connect() learns of a failure; this one has no caller.
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: SCRIPT_COMMANDS,
    clusterRetryStrategy: growingDelay,
    clusterNodeRetryStrategy: (times) => (times <= NODE_ATTEMPTS ? growingDelay(times) : null),
    maxRedirections: 3,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 50,
    slotsRefreshTimeout: 1_000,
    slotsRefreshInterval: 5_000,
    // A name that was looked up would be checked against its certificate as an address.
    ...(tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
    redisOptions: {
      ...(username ? { username } : {}),
      password,
      ...(tls ? { tls } : {}),
      commandTimeout: commandTimeoutMs,
      connectTimeout: 2_000,
      keepAlive: 10_000,
      maxRetriesPerRequest: 0,
    },
  };
  const cluster = new Cluster(nodes.map(address), options);
  tellChanges(cluster, logger);
  cluster.once('ready', () => void checkEviction(cluster, logger));
  cluster.connect().catch(() => undefined);
  return cluster;
}

/** Milliseconds before the next attempt: from 100 to 3,000, with some chance so that processes do not come together. */
function growingDelay(times: number): number {
  return Math.min(100 * 2 ** (times - 1), 3_000) * (0.75 + Math.random() / 2);
}

function address(node: string): { host: string; port: number } {
  const { hostname, port } = new URL(`redis://${node}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
}

/** Logs when the cluster goes away and when it is back, once each; without a listener an error would end the process. */
function tellChanges(cluster: Cluster, logger: RedisOptions['logger']): void {
  let away = false;
  cluster.on('error', (error: Error) => {
    if (!away) logger.warn({ reason: String(error) }, 'the Redis cluster is away');
    away = true;
  });
  cluster.on('node error', () => undefined);
  cluster.on('ready', () => {
    logger.info('the Redis cluster serves');
    away = false;
  });
}
