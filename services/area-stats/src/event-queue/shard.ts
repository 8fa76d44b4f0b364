import { crc32 } from 'node:zlib';

/** The consumer group that every process of the service belongs to. */
export const GROUP = 'area-stats';

/** The most shards that there may be. */
export const MOST_SHARDS = 64;

/** The stream of a shard. It has no time to live, so a server that is full evicts cached answers before it. */
export function streamOf(shard: number): string {
  return `rk:area-stats:v1:{events-${shard}}:queue`;
}

/** The shard of a user's events: all of them go through one stream, which keeps their order. */
export function shardOf(userId: string, shards: number): number {
  return crc32(userId) % shards;
}
