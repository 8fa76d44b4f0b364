import type { PostgresNodes } from './nodes.ts';

/** A right that one process has at a time. */
export type AdvisoryLock = {
  /** Aborted when the connection that holds the lock is gone. */
  readonly lost: AbortSignal;
  /** Gives the lock back. */
  release(): Promise<void>;
};

/**
 * Takes the lock of this key on the primary, or answers undefined at once when another process has it. Keys are the
 * database's own: any number that nothing else in it uses will do.
 *
 * The lock holds one connection of the pool and ends with it. Its holder may not hear at once that it was lost, so what it
 * still does must be harmless beside the next holder.
 */
export function takeAdvisoryLock(
  postgres: Pick<PostgresNodes, 'write'>,
  key: number,
): Promise<AdvisoryLock | undefined> {
  return postgres.write(
    async ({ pool }) => {
      const client = await pool.connect();
      const lost = new AbortController();
      const end = (error?: Error) => lost.abort(error ?? new Error('the connection of the lock has ended'));
      client.on('error', end);
      client.on('end', end);
      // Ending the session is what frees the lock, whatever state the connection is in.
      const release = async () => {
        client.off('end', end);
        client.release(true);
      };
      try {
        const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [key]);
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
