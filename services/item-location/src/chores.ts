import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { RenameMetrics } from './rename-metrics.ts';
import { renameBatch } from './repository/renames.ts';

/** Rows a batch: a transaction of some tens of milliseconds, which is how long a move of one of them may wait. */
const ROWS = 500;
const LOOK_EVERY_MS = 200;
const AGAIN_AFTER_MS = 1_000;

/**
 * Brings changed names into the rows that show them, in batches, until it is stopped. Every replica of the service may
 * run it: one batch is done at a time, and whichever process comes next goes on where the last one was.
 */
export function startRenames({
  postgres,
  metrics,
  logger,
  rows = ROWS,
}: {
  postgres: Pick<PostgresNodes, 'write'>;
  metrics: RenameMetrics;
  logger: Pick<Logger, 'warn'>;
  rows?: number;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const batch = await postgres.write((primary) => renameBatch(primary, rows), { idempotent: true });
        metrics.done(batch);
        if (batch.pending === 0) await pause(LOOK_EVERY_MS);
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ err }, 'renames are put off');
        await pause(AGAIN_AFTER_MS);
      }
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
