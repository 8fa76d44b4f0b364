import { type CacheOptions, createCache, type Entry } from '@realmkeep/kit/cache/cache';
import { replicaFirst } from '@realmkeep/kit/cache/replica-first';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { SessionRow } from '../repository/sessions.ts';
import { encodePresence, toPresence } from '../session.ts';

export type PresenceCache = ReturnType<typeof createPresenceCache>;

/**
 * The presence of players, by lower-case player id: in memory, in Redis, on a replica, on the primary. Starts and ends of
 * sessions are kept as they are written; what heartbeats move and what a lease's end changes is as old as the part says.
 */
export function createPresenceCache({
  postgres,
  find,
  ...options
}: {
  postgres: Pick<PostgresNodes, 'read' | 'state'>;
  /** The last session of each of the players, of those that had one, from one snapshot, and its time. */
  find: (node: Reader, playerIds: string[]) => Promise<{ rows: SessionRow[]; asOf: Date }>;
} & Omit<CacheOptions, 'name' | 'noun' | 'fetchMany'>) {
  const { fetchMany } = replicaFirst({
    postgres,
    find: async (node, playerIds) => {
      const { rows, asOf } = await find(node, playerIds);
      const found = new Map(rows.map((row) => [row.player_id, row]));
      return new Map(playerIds.map((playerId) => [playerId, toEntry(found.get(playerId), asOf)]));
    },
  });
  const cache = createCache({ ...options, name: 'player-state', noun: 'presence', fetchMany });

  return {
    /** An encoded GetPlayerStateResponse with nothing but the presence, which is joined to another as bytes. */
    async get(playerId: string): Promise<Uint8Array> {
      const { bytes } = await cache.get(playerId);
      return bytes ?? encodePresence(toPresence(undefined, new Date()));
    },

    /** To be called after the commit of a start or an end and before its answer. */
    keep: (row: SessionRow, asOf: Date): Promise<void> => cache.put(row.player_id, toEntry(row, asOf)),
    close: cache.close,
  };
}

/** Who never had a session has the version 0. */
function toEntry(row: SessionRow | undefined, asOf: Date): Entry {
  const presence = toPresence(row, asOf);
  return { bytes: encodePresence(presence), version: Number(presence.version), asOf: asOf.getTime() };
}
