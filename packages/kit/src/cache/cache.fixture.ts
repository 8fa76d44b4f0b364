import { setTimeout as delay } from 'node:timers/promises';
import { createNoopMeter } from '@opentelemetry/api';
import { until } from '@realmkeep/testkit/parts/until';
import { createRedis } from '../redis/cluster.ts';
import { whenReady } from '../redis/readiness.ts';
import { type Cache, type CacheOptions, createCache, type Fetched, type Want } from './cache.ts';
import { followMarkers, type Markers } from './markers.ts';

const logger = { info: () => undefined, warn: () => undefined };

/** A primary with versions that only grow, and a replica that follows when it is told to. */
export function createVersions() {
  const primary = new Map<string, number>();
  const replica = new Map<string, number>();
  return {
    primary,
    replica,
    /** Commits the next version of the key; the replica does not have it yet. */
    commit(key: string): number {
      const version = (primary.get(key) ?? 0) + 1;
      primary.set(key, version);
      return version;
    },
    follow(key: string): void {
      const version = primary.get(key);
      if (version !== undefined) replica.set(key, version);
    },
    entryOf: (key: string, version: number) => ({
      bytes: new TextEncoder().encode(`${key}@${version}`),
      version,
      asOf: Date.now(),
    }),
  };
}

export type TestProcess = {
  cache: Cache;
  markers: Markers;
  redis: ReturnType<typeof createRedis>;
  /** The wants of each fetch so far. */
  fetches: Want[][];
  close(): void;
};

/** A cache with connections of its own, like another process, over the same Redis and the same versions. */
export async function openProcess({
  valkey,
  name,
  versions,
  fetchMs = () => 0,
  deaf = false,
  waitMs = 2_000,
  ...options
}: {
  valkey: { nodes: string[]; password: string };
  name: string;
  versions: ReturnType<typeof createVersions>;
  /** How long the next fetch takes between reading and answering. */
  fetchMs?: () => number;
  /** Whether it never hears of writes. */
  deaf?: boolean;
  /** How long Redis is waited for, in milliseconds; default so long that a crowded machine makes no difference. */
  waitMs?: number;
} & Partial<Pick<CacheOptions, 'l1' | 'l2' | 'absentTtlMs' | 'fetches'>>): Promise<TestProcess> {
  const redis = createRedis({ ...valkey, commandTimeoutMs: Math.max(250, waitMs * 2), logger });
  const markers = followMarkers({ name: deaf ? `deaf-${name}` : name, redis, logger });
  const fetches: Want[][] = [];
  const cache = createCache({
    name,
    noun: 'thing',
    redis,
    markers,
    l1: { maxBytes: 10_000_000, ttlMs: 5_000 },
    fetchMany: async (wants) => {
      fetches.push(wants);
      const found = wants.flatMap(({ key, minVersion }): [string, Fetched][] => {
        const replica = versions.replica.get(key) ?? 0;
        const fromReplica = replica > 0 && replica >= minVersion;
        const version = fromReplica ? replica : (versions.primary.get(key) ?? 0);
        if (version === 0) return [];
        return [[key, { ...versions.entryOf(key, version), source: fromReplica ? 'replica' : 'primary' }]];
      });
      await delay(fetchMs());
      return new Map(found);
    },
    meter: createNoopMeter(),
    logger,
    ...options,
    l2: { ttlMs: 60_000, waitMs, ...options.l2 },
  });
  await whenReady(redis, 5_000);
  await until(() => markers.complete, { what: 'every master to tell of markers' });
  return {
    cache,
    markers,
    redis,
    fetches,
    close() {
      cache.close();
      markers.close();
      redis.disconnect();
    },
  };
}
