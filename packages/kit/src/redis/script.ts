import { createHash } from 'node:crypto';
import type { Cluster } from 'ioredis';

/** Runs a script on the node of its keys, which must share a slot. Answers what the script returns. */
export type RedisScript = (keys: string[], args: (string | number | Buffer)[]) => Promise<unknown>;

/**
 * A Lua script that is sent by its digest, and whole to a node that does not have it yet. It runs by itself, never in a
 * batch with other commands, and may run twice when its first answer was lost.
 */
export function createScript(redis: Pick<Cluster, 'eval' | 'evalsha'>, lua: string): RedisScript {
  const digest = createHash('sha1').update(lua).digest('hex');
  return async (keys, args) => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(lua, keys.length, ...keys, ...args);
    }
  };
}
