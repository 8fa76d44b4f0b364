import type { Logger } from '@realmkeep/kit/log/logger';

/** Work that is done now and then. It may run in several processes at once. */
export type Chore = { name: string; everyMs: number; run(): Promise<void> };

// A chore that failed is tried again after this, or after its own time if that is shorter.
const RETRY_MS = 60_000;

/**
 * Runs each chore at once and then again and again, its time counted from the end of the run before. A chore that fails
 * is logged and tried again after a minute.
 */
export function startHousekeeping({ chores, logger }: { chores: Chore[]; logger: Pick<Logger, 'error'> }) {
  const timers = new Map<Chore, NodeJS.Timeout>();
  const running = new Map<Chore, Promise<void>>();
  let stopped = false;

  async function run(chore: Chore): Promise<void> {
    let next = chore.everyMs;
    try {
      await chore.run();
    } catch (err) {
      logger.error({ err, chore: chore.name }, 'a chore failed and will be tried again');
      next = Math.min(next, RETRY_MS);
    }
    running.delete(chore);
    if (!stopped) timers.set(chore, setTimeout(begin, next, chore));
  }

  function begin(chore: Chore): void {
    running.set(chore, run(chore));
  }

  for (const chore of chores) begin(chore);
  return {
    /** Begins no chore any more, and resolves once the running ones have ended. */
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
