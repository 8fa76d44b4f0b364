import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';

/** The right to follow, of one process at a time. */
export type FollowerLock = {
  /** Aborted when the connection that holds the lock is gone. */
  readonly lost: AbortSignal;
  /** Gives the lock back. */
  release(): Promise<void>;
};

// Advisory locks are the database's own, so any number that nothing else in it uses will do.
const KEY = 5_350_052;

/**
 * Takes the lock on the primary, or answers undefined at once when another process has it. The lock holds one connection
 * of the pool and ends with it; whoever took over meanwhile is told apart by the epoch, see `beginFollowing`.
 */
export function takeFollowerLock(postgres: Pick<PostgresNodes, 'write'>): Promise<FollowerLock | undefined> {
  return postgres.write(
    async ({ pool }) => {
      const client = await pool.connect();
      const lost = new AbortController();
      const end = (error?: Error) => lost.abort(error ?? new Error('the connection of the follower’s lock has ended'));
      client.on('error', end);
      client.on('end', end);
      // Ending the session is what frees the lock, whatever state the connection is in.
      const release = async () => {
        client.off('end', end);
        client.release(true);
      };
      try {
        const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [KEY]);
        if (rows[0]?.taken) return { lost: lost.signal, release };
      } catch (error) {
        await release();
        throw error;
      }
      client.off('error', end);
      client.off('end', end);
      client.release();
      return undefined;
    },
    { idempotent: true },
  );
}
