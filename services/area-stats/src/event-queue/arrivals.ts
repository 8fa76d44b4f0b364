import { setTimeout as delay } from 'node:timers/promises';

/** Wakes whoever waits for entries of a shard. */
export function createArrivals() {
  const waiting = new Map<number, () => void>();
  return {
    /** Something was appended to the shard. */
    tell(shard: number): void {
      waiting.get(shard)?.();
    },

    /** Resolves at the next arrival that this process hears of, after `ms`, or when the signal is aborted. One waits for a shard. */
    async next(shard: number, ms: number, signal: AbortSignal): Promise<void> {
      const arrived = new AbortController();
      waiting.set(shard, () => arrived.abort());
      await delay(ms, undefined, { signal: AbortSignal.any([signal, arrived.signal]), ref: false }).catch(
        () => undefined,
      );
      waiting.delete(shard);
    },
  };
}
