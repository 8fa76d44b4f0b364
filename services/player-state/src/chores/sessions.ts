import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { Heartbeats } from '../heartbeats.ts';
import { renewSessions, sweepSessions } from '../repository/sessions.ts';

/** Sessions that one statement renews or ends, so that none holds its locks for long. */
const RENEWED_AT_ONCE = 5_000;
const ENDED_AT_ONCE = 1_000;
/** Statements that one sweep makes before heartbeats are saved again. */
const MOST_SWEEPS = 20;

/**
 * Saves the heartbeats that were gathered, and ends the sessions whose lease has run out, each `everyMs` milliseconds.
 * Every replica of the service does it at any time. Heartbeats go straight to Postgres: many are one statement there, and
 * no other store has to be up for a session to go on. `stop` saves what is left.
 *
 * While the primary was away no replica could save a heartbeat. So a sweep waits until it has been there for two rounds,
 * in which every replica has saved what it gathered; the same when this process starts.
 */
export function startSessionChores({
  postgres,
  heartbeats,
  leaseMs,
  everyMs,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'write' | 'state'>;
  heartbeats: Heartbeats;
  leaseMs: number;
  everyMs: number;
  logger: Pick<Logger, 'info' | 'warn'>;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const write = <T>(work: (primary: Reader) => Promise<T>) => postgres.write(work, { idempotent: true });
  let calmAt = performance.now() + 2 * everyMs;

  async function save(): Promise<void> {
    heartbeats.forgetSilent();
    for (let taken = heartbeats.take(RENEWED_AT_ONCE); taken.length > 0; taken = heartbeats.take(RENEWED_AT_ONCE)) {
      try {
        const live = await write((primary) => {
          const now = performance.now();
          const heard = taken.map(({ sessionId, at }) => ({ sessionId, ageMs: now - at }));
          return renewSessions(primary, heard, leaseMs);
        });
        const found = new Set(live);
        for (const { sessionId } of taken) if (!found.has(sessionId)) heartbeats.ended(sessionId);
      } catch (error) {
        heartbeats.putBack(taken);
        throw error;
      }
    }
  }

  async function sweep(): Promise<void> {
    let total = 0;
    for (let round = 0; round < MOST_SWEEPS && !signal.aborted; round += 1) {
      const ended = await write((primary) => sweepSessions(primary, ENDED_AT_ONCE));
      for (const sessionId of ended) heartbeats.ended(sessionId);
      total += ended.length;
      if (ended.length < ENDED_AT_ONCE) break;
    }
    if (total > 0) logger.info({ sessions: total }, 'ended sessions whose lease had run out');
  }

  async function once(): Promise<void> {
    const before = calmAt;
    try {
      if (!postgres.state().writable) calmAt = performance.now() + 2 * everyMs;
      await save();
      if (before === calmAt && performance.now() >= calmAt) await sweep();
    } catch (err) {
      calmAt = performance.now() + 2 * everyMs;
      if (!signal.aborted) logger.warn({ err }, 'saving heartbeats and ending sessions is put off');
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await once();
    }
    await save().catch((err: unknown) => logger.warn({ err }, 'the last heartbeats could not be saved'));
  }

  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
