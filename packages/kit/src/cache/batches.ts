/**
 * Works things off in batches. While `most` batches are in work, what comes gathers for the next ones, so that batches grow
 * with the load.
 *
 * @param run never rejects
 * @param size the most things of a batch
 * @param bound what comes while so many wait is dropped; default none
 */
export function createBatches<T>({
  run,
  size,
  most,
  bound = Number.POSITIVE_INFINITY,
}: {
  run: (batch: T[]) => Promise<void>;
  size: number;
  most: number;
  bound?: number;
}) {
  const waiting: T[] = [];
  let running = 0;

  function start(): void {
    while (running < most && waiting.length > 0) {
      running += 1;
      void run(waiting.splice(0, size)).finally(() => {
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
  };
}
