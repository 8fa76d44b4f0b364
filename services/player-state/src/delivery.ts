import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@realmkeep/kit/client/client';
import type { Logger } from '@realmkeep/kit/log/logger';
import { takeAdvisoryLock } from '@realmkeep/kit/postgres/advisory-lock';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { Renewal } from './delivery/renewal.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';
import { readSessionEvents, settleSessionEvents } from './repository/session-events.ts';
import { settle, toRecordedEvent } from './session-event.ts';

/** The key of the lock that the process which delivers holds. */
const LOCK_KEY = 5_350_053;
/** So many events of the longest names stay below the 4 MB that a message may have. */
const BATCH = 500;
const POLL_MS = 200;
const LOCK_RETRY_MS = 1_000;
const ANSWER_WITHIN_MS = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/**
 * Delivers LOGINs and LOGOUTs to area-stats, one process at a time however many run it. Events leave the queue after the
 * answer, so they are sent at least once, and their ids make that exactly once. While area-stats is away they wait; what it
 * refuses for good is parked and holds nothing up. Sessions that go on are renewed there now and then.
 */
export function startDelivery({
  postgres,
  areaStats,
  renewal,
  metrics,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  areaStats: Pick<Client<typeof AreaStatsService>, 'recordEvents'>;
  /** Tells area-stats of the sessions that go on, a step at a time. */
  renewal: Pick<Renewal, 'step'>;
  metrics: DeliveryMetrics;
  logger: Pick<Logger, 'error' | 'warn'>;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const pause = (ms: number) => delay(ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
  let retryDelay = FIRST_DELAY_MS;

  /** Sends what waits, from the first to the last. */
  async function deliverAll(signal: AbortSignal): Promise<void> {
    for (let after = '0'; !signal.aborted; ) {
      const from = after;
      const events = await postgres.read((primary) => readSessionEvents(primary, from, BATCH), { primary: true });
      const last = events.at(-1);
      if (!last) return;
      const { outcomes } = await areaStats.recordEvents(
        { events: events.map(toRecordedEvent) },
        { signal, timeoutMs: ANSWER_WITHIN_MS },
      );
      const { delivered, refused, kept } = settle(events, outcomes);
      await postgres.write((primary) => settleSessionEvents(primary, { delivered, refused }), { idempotent: true });
      metrics.settled(delivered.length, refused.length);
      if (refused.length > 0) logger.error({ refused }, 'area-stats refused session events for good: they are parked');
      if (kept.length > 0) logger.warn({ events: kept.length }, 'area-stats refused session events for now');
      retryDelay = FIRST_DELAY_MS;
      after = last.id;
    }
  }

  /** Delivers until it is stopped; throws why it ended otherwise. */
  async function deliver(): Promise<void> {
    const lock = await takeAdvisoryLock(postgres, LOCK_KEY);
    if (!lock) return pause(LOCK_RETRY_MS);
    try {
      const signal = AbortSignal.any([stopping.signal, lock.lost]);
      while (!signal.aborted) {
        await deliverAll(signal);
        await renewal.step(signal);
        await pause(POLL_MS);
      }
    } finally {
      await lock.release();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await deliver();
      } catch (err) {
        if (stopping.signal.aborted) return;
        metrics.failed();
        logger.warn({ err, retryDelay }, 'delivering session events broke off');
        await pause(retryDelay);
        retryDelay = Math.min(retryDelay * 2, LONGEST_DELAY_MS);
      }
    }
  }

  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
