import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { StateCache } from '../cache.ts';
import { recentlyWritten } from '../repository/transactions.ts';

/** Players whose states are kept together. */
const AT_ONCE = 250;

/**
 * Keeps the states of those players once more whose transactions are younger than a cached state may be, the latest first.
 * A process that starts may be the successor of one that died between a commit and the cache; what was kept since is newer
 * or the same, and stays. It does so once, in the background; `stop` resolves when that is over.
 *
 * @param withinMs how long a cached state lives
 */
export function redoWrites({
  postgres,
  states,
  withinMs,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  states: Pick<StateCache, 'written'>;
  withinMs: number;
  logger: Pick<Logger, 'info' | 'warn'>;
}): { stop(): Promise<void> } {
  let stopped = false;

  async function redo(): Promise<void> {
    try {
      const players = await postgres.read((primary) => recentlyWritten(primary, withinMs), { primary: true });
      for (let done = 0; done < players.length && !stopped; done += AT_ONCE) {
        await states.written(players.slice(done, done + AT_ONCE));
      }
      if (players.length > 0) logger.info({ players: players.length }, 'kept the latest writes once more');
    } catch (err) {
      // What it would have mended ends with its time to live.
      if (!stopped) logger.warn({ err }, 'the latest writes can not be kept once more');
    }
  }

  const running = redo();
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}
