import type { Logger } from '@realmkeep/kit/log/logger';
import { isReady } from '@realmkeep/kit/redis/readiness';
import { createScript } from '@realmkeep/kit/redis/script';
import type { Cluster } from 'ioredis';
import { createAppends, type Durability } from './appends.ts';
import { createArrivals } from './arrivals.ts';
import { appendedAt, type Entry, entryOf } from './entry.ts';
import { REMOVE, SETTLE } from './scripts.ts';
import { GROUP, MOST_SHARDS, streamOf } from './shard.ts';

/** How many entries wait or are in work, and how old the oldest of them is. */
export type Lag = { entries: number; oldestAgeMs: number };

/**
 * Where events wait between their acknowledgement and their commit: an append-only log of shards, whose entries are given
 * to the consumers of one group at least once. Nothing else knows that it is made of Redis streams.
 */
export type EventQueue = ReturnType<typeof createEventQueue>;

type Reply = [id: string, fields: string[] | null];

/**
 * @param clients two clients of the cluster: one that only appends, one for the rest
 * @param consumer this process's name in the group, its own
 * @param shards at most 64
 * @param capacity entries that wait in all shards together at most
 * @param bound the most events that this process has accepted and not appended yet
 */
export function createEventQueue({
  clients,
  consumer,
  shards,
  capacity,
  durability,
  bound,
  logger,
}: {
  clients: { appending: Cluster; consuming: Cluster };
  consumer: string;
  shards: number;
  capacity: number;
  durability: Durability;
  bound?: number;
  logger: Pick<Logger, 'warn'>;
}) {
  if (shards > MOST_SHARDS) throw new RangeError(`the event queue has at most ${MOST_SHARDS} shards, not ${shards}`);
  const redis = clients.consuming;
  const arrivals = createArrivals();
  const settle = createScript(redis, SETTLE);
  const remove = createScript(redis, REMOVE);
  const own = Array.from({ length: shards }, (_, shard) => shard);
  let left: number[] = [];

  /** Runs a command of the group, which is made when it is missing: then it begins with the oldest entry. */
  async function inGroup<T>(shard: number, command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      if (!startsWith(error, 'NOGROUP')) throw error;
    }
    await redis.xgroup('CREATE', streamOf(shard), GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!startsWith(error, 'BUSYGROUP')) throw error;
    });
    return command();
  }

  async function readGroup(shard: number, limit: number, after: '>' | '0'): Promise<Entry[]> {
    const answer = (await inGroup(shard, () =>
      redis.xreadgroup('GROUP', GROUP, consumer, 'COUNT', limit, 'STREAMS', streamOf(shard), after),
    )) as [stream: string, replies: Reply[]][] | null;
    return (answer?.[0]?.[1] ?? []).map((reply) => entryOf(shard, reply));
  }

  return {
    /** The shards are numbered from 0. */
    shards,

    /**
     * Looks for the shards that are there from when there were more: nothing is appended to them by this process, but
     * what waits in them is to be read like the rest, and counts in `lag` from then on.
     */
    async findLeft(): Promise<number[]> {
      const beyond = Array.from({ length: MOST_SHARDS - shards }, (_, index) => shards + index);
      const found = await Promise.all(beyond.map((shard) => redis.exists(streamOf(shard))));
      left = beyond.filter((_, index) => found[index] === 1);
      return left;
    },

    append: createAppends({
      redis: clients.appending,
      shards,
      capacity: Math.ceil(capacity / shards),
      durability,
      appended: arrivals.tell,
      logger,
      ...(bound && { bound }),
    }),

    /** Whether the cluster can be reached, as far as is known. */
    ready: () => isReady(redis),

    /** Resolves when this process has appended to the shard, after `ms`, or when the signal is aborted. */
    arrival: arrivals.next,

    /** At most `limit` entries that no consumer was given, the oldest first. They are in work here until they are settled. */
    read: (shard: number, limit: number) => readGroup(shard, limit, '>'),

    /** At most `limit` entries that are in work here, the oldest first: to go on after a failure, or after `reclaim`. */
    readAgain: (shard: number, limit: number) => readGroup(shard, limit, '0'),

    /** The entries have been dealt with: they leave the queue. Settling twice is harmless. */
    async settle(shard: number, entries: Entry[]): Promise<void> {
      if (entries.length > 0) await settle([streamOf(shard)], [GROUP, ...entries.map(({ id }) => id)]);
    },

    /**
     * Takes over at most `limit` entries that other consumers have had in work for `idleMs` without reading them again,
     * and removes consumers that have none and were silent for ten times that. Answers how many entries came.
     */
    async reclaim(shard: number, idleMs: number, limit: number): Promise<number> {
      let claimed = 0;
      for (let cursor = '0-0'; claimed < limit; ) {
        const [next, ids] = (await inGroup(shard, () =>
          redis.xautoclaim(streamOf(shard), GROUP, consumer, idleMs, cursor, 'COUNT', limit, 'JUSTID'),
        )) as [string, string[]];
        claimed += ids.length;
        cursor = next;
        if (cursor === '0-0') break;
      }
      await remove([streamOf(shard)], [GROUP, '', idleMs * 10]);
      return claimed;
    },

    /** This process consumes no more. What it still has in work is left for others to reclaim. */
    async leave(shard: number): Promise<void> {
      await remove([streamOf(shard)], [GROUP, consumer, 0]);
    },

    /** How much waits in all shards, now. */
    async lag(): Promise<Lag> {
      const lags = await Promise.all([...own, ...left].map(lagOf));
      return {
        entries: lags.reduce((sum, { entries }) => sum + entries, 0),
        oldestAgeMs: Math.max(...lags.map(({ oldestAgeMs }) => oldestAgeMs)),
      };
    },

    close(): void {
      clients.appending.disconnect();
      clients.consuming.disconnect();
    },
  };

  async function lagOf(shard: number): Promise<Lag> {
    const [entries, oldest] = await Promise.all([
      redis.xlen(streamOf(shard)),
      redis.xrange(streamOf(shard), '-', '+', 'COUNT', 1),
    ]);
    return { entries, oldestAgeMs: oldest[0] ? Math.max(0, Date.now() - appendedAt(oldest[0][0])) : 0 };
  }
}

function startsWith(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
