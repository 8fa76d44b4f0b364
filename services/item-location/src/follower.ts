import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@realmkeep/kit/client/client';
import type { Logger } from '@realmkeep/kit/log/logger';
import { takeAdvisoryLock } from '@realmkeep/kit/postgres/advisory-lock';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import type { ListingCache } from './cache/listings.ts';
import type { FollowMetrics } from './follow-metrics.ts';
import { toStep } from './follow-step.ts';
import { applyStep, beginFollowing, forgetPosition } from './repository/following.ts';
import { hasReached } from './source-position.ts';

// Of the process that follows. Whoever took over from it is told apart by the epoch, see `beginFollowing`.
const LOCK_KEY = 5_350_052;
const LOCK_RETRY_MS = 1_000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5_000;
// The source says something about each second.
const QUIET_MS = 10_000;

/** Follows player-state until it is stopped. */
export type Follower = { stop(): Promise<void> };

/**
 * Follows player-state's events into this service's tables, one process at a time however many run it. Each step is
 * applied and the position moved in one transaction on the primary, and the next step is taken after that. Whatever
 * goes wrong, it begins again from the saved position, after a delay that grows from 50 ms to 5 s.
 */
export function startFollower({
  source,
  postgres,
  listings,
  metrics,
  logger,
}: {
  source: Pick<Client<typeof ItemEventService>, 'followItemEvents'>;
  postgres: Pick<PostgresNodes, 'write'>;
  /** Is told of every change after its commit, once more by the next follower when this one may not have come to it. */
  listings: Pick<ListingCache, 'changed'>;
  metrics: FollowMetrics;
  logger: Logger;
}): Follower {
  const stopping = new AbortController();
  const pause = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  let retryDelay = FIRST_DELAY_MS;

  /** Follows for as long as it goes well; throws why it ended. False: another process follows. */
  async function follow(): Promise<boolean> {
    const lock = await takeAdvisoryLock(postgres, LOCK_KEY);
    if (!lock) return false;
    const quiet = new AbortController();
    const watchdog = setTimeout(() => quiet.abort(new Error('player-state has fallen silent')), QUIET_MS);
    try {
      const { epoch, touched: left, ...saved } = await postgres.write(beginFollowing, { idempotent: true });
      let { step: number, position } = saved;
      logger.info({ epoch: `${epoch}`, from: position && `${position.transaction}` }, 'following player-state');
      await listings.changed(left);
      const signal = AbortSignal.any([stopping.signal, lock.lost, quiet.signal]);
      for await (const response of source.followItemEvents({ position }, { signal })) {
        watchdog.refresh();
        signal.throwIfAborted();
        const step = toStep(response);
        if (position && step.position && !step.snapshot && !hasReached(step.position, position)) {
          await postgres.write((primary) => forgetPosition(primary, epoch), { idempotent: true });
          throw new Error('player-state went back behind what was followed; starting over from a snapshot');
        }
        number += 1n;
        const { outcome, parked, touched } = await postgres.write(
          (primary) => applyStep(primary, { epoch, number, step }),
          { idempotent: true },
        );
        if (outcome === 'REPLACED') throw new Error('another process took over following player-state');
        if (parked > 0) logger.error({ parked }, 'events of player-state were refused for good and parked');
        await listings.changed(touched);
        metrics.applied(step, parked);
        position = step.position ?? position;
        retryDelay = FIRST_DELAY_MS;
        watchdog.refresh();
      }
      throw new Error('player-state ended the stream');
    } finally {
      clearTimeout(watchdog);
      await lock.release();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if (await follow()) continue;
        metrics.ended();
        await pause(LOCK_RETRY_MS);
      } catch (error) {
        if (stopping.signal.aborted) return;
        metrics.failed();
        logger.warn({ err: error, retryDelay }, 'following player-state broke off');
        await pause(retryDelay);
        retryDelay = Math.min(retryDelay * 2, LONGEST_DELAY_MS);
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
