import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { ListingCache } from './cache/listings.ts';
import type { RenameMetrics } from './rename-metrics.ts';
import { recentlyMoved, trimMoves } from './repository/moves.ts';
import { renameBatch } from './repository/renames.ts';

/** Rows a batch: a transaction of some tens of milliseconds, which is how long a move of one of them may wait. */
const ROWS = 500;
const LOOK_EVERY_MS = 200;
const AGAIN_AFTER_MS = 1_000;

const TRIM_EVERY_MS = 60 * 60 * 1_000;
const TRIM_AGAIN_AFTER_MS = 60 * 1_000;
/** Answers to moves a statement, so that no transaction of it is long. */
const TRIM_ROWS = 5_000;

/**
 * Does, until it is stopped, what moves leave to be done. At the start it tells the caches of the latest moves once more:
 * the process may be the successor of one that died before it told of its own. Then, each hour, it deletes old answers.
 *
 * @param withinMs how long a cached page lives
 * @param retentionDays how long answers are kept for repeats
 */
export function startMoveChores({
  postgres,
  listings,
  withinMs,
  retentionDays,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  listings: Pick<ListingCache, 'changed'>;
  withinMs: number;
  retentionDays: number;
  logger: Pick<Logger, 'info' | 'warn'>;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function run(): Promise<void> {
    try {
      await listings.changed(await postgres.read((primary) => recentlyMoved(primary, withinMs), { primary: true }));
    } catch (err) {
      // What it would have mended ends with its time to live.
      if (!signal.aborted) logger.warn({ err }, 'the caches can not be told of the latest moves once more');
    }
    while (!signal.aborted) {
      let pause = TRIM_EVERY_MS;
      try {
        const trim = (primary: Reader) => trimMoves(primary, retentionDays, TRIM_ROWS);
        while (!signal.aborted && (await postgres.write(trim, { idempotent: true })) === TRIM_ROWS);
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, 'old answers to moves are kept for now');
        pause = TRIM_AGAIN_AFTER_MS;
      }
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
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

/**
 * Brings changed names into the rows that show them, in batches, until it is stopped. Every replica of the service may
 * run it: one batch is done at a time, and whichever process comes next goes on where the last one was.
 */
export function startRenames({
  postgres,
  listings,
  metrics,
  logger,
  rows = ROWS,
}: {
  postgres: Pick<PostgresNodes, 'write'>;
  listings: Pick<ListingCache, 'changed'>;
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
        await listings.changed(batch);
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
