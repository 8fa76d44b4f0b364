import { createBatches } from '@realmkeep/kit/batches';
import { type Cached, type CacheOptions, createCache, type Demand } from '@realmkeep/kit/cache/cache';
import { satisfies } from '@realmkeep/kit/cache/entry';
import { replicaFirst } from '@realmkeep/kit/cache/replica-first';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { PlayerStateRow } from './repository/players.ts';
import { toEntry } from './state-bytes.ts';

export type StateCache = ReturnType<typeof createStateCache>;

/** How long a writer waits for its players' new states to be kept, in milliseconds. They are kept later then. */
const PUT_WAIT_MS = 1_000;
/** The most players of one re-read after writes, and the most such re-reads in work: more writers share one. */
const PUTS = 250;
const PUTS_AT_ONCE = 4;

/** The states of players, by lower-case player id: in memory, in Redis, on a replica, on the primary. */
export function createStateCache({
  postgres,
  find,
  ...options
}: {
  postgres: Pick<PostgresNodes, 'read' | 'state'>;
  /** Those of the players that exist, from one snapshot. */
  find: (node: Reader, playerIds: string[]) => Promise<{ rows: PlayerStateRow[] }>;
} & Omit<CacheOptions, 'name' | 'noun' | 'fetchMany'>) {
  const { read, fetchMany } = replicaFirst({
    postgres,
    find: async (node, playerIds: string[]) => {
      const { rows } = await find(node, playerIds);
      return new Map(rows.map((row) => [row.player_id, toEntry(row)]));
    },
  });
  const cache = createCache({ ...options, name: 'player-state', noun: 'state', fetchMany });
  const puts = createBatches<{ playerId: string; done: () => void }>({ run: put, size: PUTS, most: PUTS_AT_ONCE });

  /** Keeps the states that writes have left. The writes of one batch share one query. */
  async function put(batch: { playerId: string; done: () => void }[]): Promise<void> {
    const playerIds = [...new Set(batch.map(({ playerId }) => playerId))];
    try {
      const states = await read(playerIds, true);
      await Promise.all([...states].map(([playerId, { source: _, ...entry }]) => cache.put(playerId, entry)));
    } catch (err) {
      options.logger.warn({ err, players: playerIds.length }, 'what was written can not be read, and leaves the cache');
      await Promise.all(playerIds.map((playerId) => cache.invalidate(playerId)));
    }
    for (const { done } of batch) done();
  }

  /** Resolves when the work is done, or has taken as long as a writer waits for it. It is done later then. */
  async function awhile(work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PUT_WAIT_MS);
    });
    await Promise.race([work, late]);
    clearTimeout(timer);
  }

  return {
    /** What the memory of this process has. */
    peek: cache.peek,

    /** Waits for the primary when the demand can be met by no other node. */
    async get(playerId: string, demand: Demand = {}): Promise<Cached> {
      const cached = await cache.get(playerId, demand);
      const { minVersion = 0, maxStalenessMs } = demand;
      const notBefore = maxStalenessMs === undefined ? 0 : Date.now() - maxStalenessMs;
      if (cached.source === 'primary' && cached.bytes) return cached;
      if (satisfies(cached, { minVersion, notBefore }) || postgres.state().writable) return cached;
      const states = await read([playerId], true);
      return states.get(playerId) ?? { bytes: undefined, version: 0, asOf: 0, source: 'primary' };
    },

    /** Many at once; the answer has each player. */
    getMany: (playerIds: string[]) => cache.getMany(playerIds),

    /**
     * Keeps the states that a write has left. Like `written` it is to be called after the commit and before the answer:
     * whoever reads from now on, by any process, gets the new states.
     */
    keep: (rows: PlayerStateRow[]): Promise<void> =>
      awhile(Promise.all(rows.map((row) => cache.put(row.player_id, toEntry(row))))),

    /** Keeps the states of players that were written, which it reads. */
    written: (playerIds: string[]): Promise<void> =>
      awhile(
        Promise.all(
          playerIds.map((playerId) => new Promise<void>((resolve) => puts.add([{ playerId, done: resolve }]))),
        ),
      ),

    /** Tells of each player that was written by any process. @returns ends the telling */
    onChange: cache.onInvalidate,
    stats: cache.stats,
    close: cache.close,
  };
}
