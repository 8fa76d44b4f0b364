import type { Logger } from '../log/logger.ts';

/** Things to close, the latest first. */
export type Closers = { add(close: () => unknown): void; close(): Promise<void> };

/**
 * Collects what has to be closed. `close` runs each once, the latest first, one after the other; a fault is logged and
 * the rest is closed all the same. Closing twice closes nothing twice.
 */
export function createClosers(logger: Logger): Closers {
  const pending: (() => unknown)[] = [];
  return {
    add(close) {
      pending.push(close);
    },
    async close() {
      for (let close = pending.pop(); close; close = pending.pop()) {
        try {
          await close();
        } catch (err) {
          logger.error({ err }, 'a part could not be closed');
        }
      }
    },
  };
}
