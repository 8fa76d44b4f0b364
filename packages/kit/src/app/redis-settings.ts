import type { RedisOptions } from '../redis/cluster.ts';
import type { CommonConfig } from './config.ts';

/** How a service reaches the Redis cluster, by its settings. */
export function redisSettings(
  config: Pick<CommonConfig, 'REDIS_NODES' | 'REDIS_USERNAME' | 'REDIS_PASSWORD' | 'REDIS_TLS'>,
): Pick<RedisOptions, 'nodes' | 'username' | 'password' | 'tls'> {
  return {
    nodes: config.REDIS_NODES,
    username: config.REDIS_USERNAME,
    password: config.REDIS_PASSWORD,
    ...(config.REDIS_TLS ? { tls: {} } : {}),
  };
}
