/**
 * Works things off in batches. While `most` batches are in work, what comes gathers for the next ones, so that batches grow
 * with the load.
 *
 * @param run never rejects
 * @param size the most things of a batch
 */
export function createBatches<T>({
  run,
  size,
  most,
}: {
  run: (batch: T[]) => Promise<void>;
  size: number;
  most: number;
}) {
  let waiting: T[] = [];
  let running = 0;

  function start(): void {
    while (running < most && waiting.length > 0) {
      const batch = waiting.slice(0, size);
      waiting = waiting.slice(size);
      running += 1;
      void run(batch).finally(() => {
        running -= 1;
        start();
      });
    }
  }

  return {
    add(things: T[]): void {
      waiting = waiting.length === 0 ? things : waiting.concat(things);
      start();
    },
  };
}
