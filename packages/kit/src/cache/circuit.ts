/** Keeps work away from what has just failed. Times are by the clock of `performance.now()`. */
export type Circuit = {
  /** Whether to try; after a pause one caller tries, and the rest wait for what it meets. */
  admits(): boolean;
  succeeded(): void;
  /** @param since when the work that failed was begun: what was in work together fails once */
  failed(since: number): void;
};

/** @param failures so many in a row open it; @param openMs how long it stays open, in milliseconds */
export function createCircuit({ failures, openMs }: { failures: number; openMs: number }): Circuit {
  let inARow = 0;
  let lastFailure = 0;
  let openUntil = 0;
  return {
    admits() {
      if (inARow < failures) return true;
      const now = performance.now();
      if (now < openUntil) return false;
      // The next one is admitted only after another pause, should this one never be heard of again.
      openUntil = now + openMs;
      return true;
    },
    succeeded() {
      inARow = 0;
    },
    failed(since) {
      if (since < lastFailure) return;
      lastFailure = performance.now();
      inARow += 1;
      if (inARow >= failures) openUntil = lastFailure + openMs;
    },
  };
}
