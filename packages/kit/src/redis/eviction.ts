import type { Cluster, Redis } from 'ioredis';
import type { Logger } from 'pino';

/**
 * Looks whether every master evicts only keys that have a TTL (`volatile-*`): with another policy a full server would
 * throw away streams, which hold facts, or refuse writes. Warns and names the mend; answers whether all is well. A server
 * that tells nobody its settings is warned of too.
 */
export async function checkEviction(redis: Cluster, logger: Pick<Logger, 'warn'>): Promise<boolean> {
  const checks = redis.nodes('master').map(async (node) => {
    const policy = await evictionPolicy(node);
    // A client that was closed meanwhile learns nothing about the server.
    if (redis.status !== 'ready') return false;
    if (policy?.startsWith('volatile-')) return true;
    logger.warn(
      { node: `${node.options.host}:${node.options.port}`, policy: policy ?? 'unknown' },
      'this Redis may evict what has no TTL: set its maxmemory-policy to volatile-lru',
    );
    return false;
  });
  return (await Promise.all(checks)).every(Boolean);
}

async function evictionPolicy(node: Redis): Promise<string | undefined> {
  try {
    const answer = (await node.config('GET', 'maxmemory-policy')) as string[];
    return answer[1];
  } catch {
    return undefined;
  }
}
