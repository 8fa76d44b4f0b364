/**
 * Works things off in batches. While `most` batches are in work, what comes gathers for the next ones, so that batches grow
 * with the load.
 *
 * @param run never rejects
 * @param size the most that the things of a batch weigh; a thing that weighs more is a batch by itself
 * @param bound what comes while so many wait is dropped; default none
 * @param weigh what a thing weighs; default 1
 */
export function createBatches<T>({
  run,
  size,
  most,
  bound = Number.POSITIVE_INFINITY,
  weigh = () => 1,
}: {
  run: (batch: T[]) => Promise<void>;
  size: number;
  most: number;
  bound?: number;
  weigh?: (thing: T) => number;
}) {
  const waiting: T[] = [];
  let running = 0;

  function take(): T[] {
    let things = 0;
    for (let weight = 0; things < waiting.length; things += 1) {
      weight += weigh(waiting[things]!);
      if (weight > size && things > 0) break;
    }
    return waiting.splice(0, things);
  }

  function start(): void {
    while (running < most && waiting.length > 0) {
      running += 1;
      void run(take()).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  return {
    add(things: T[]): void {
      for (const thing of things) if (waiting.length < bound) waiting.push(thing);
      start();
    },

    /** Takes away what waits, and answers it: it is in no batch then. */
    takeWaiting: (): T[] => waiting.splice(0),
  };
}
