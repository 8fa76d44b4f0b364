import { setTimeout as delay } from 'node:timers/promises';
import { invalidArgument } from '@realmkeep/kit/errors/common';
import type { RecordEventRequest } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { Answers, Fetched } from './answers.ts';
import { type AreaStats, encodeAreaStats } from './area-stats.ts';
import { CLAIM_MS, type createCache } from './cache.ts';
import { eventRefused } from './errors.ts';
import { eventOf } from './event.ts';
import { invalidEvent, type Outcome } from './outcome.ts';
import type { Recorder } from './recorder.ts';
import type { Repository } from './repository.ts';

/** An encoded answer to GetAreaStats, when its counts were read, and where it came from. */
export type Answer = { bytes: Uint8Array; asOf: number; source: 'l1' | 'l2' | 'replica' | 'primary' };

export type Service = ReturnType<typeof createService>;

// How often a process looks whether the one that claimed an area has filled it.
const LOOK_EVERY_MS = 10;

/** What area-stats does, in order. */
export function createService({
  repository,
  recorder,
  cache,
  answers,
  ttlMs,
  random = Math.random,
}: {
  repository: Pick<Repository, 'readArea'>;
  recorder: Pick<Recorder, 'record'>;
  cache: ReturnType<typeof createCache>;
  answers: Answers<Answer>;
  /** How long counts may be answered again, at most. */
  ttlMs: number;
  random?: () => number;
}) {
  async function fetchArea(areaCode: string): Promise<Fetched<Answer>> {
    const patience = performance.now() + CLAIM_MS;
    let found = await cache.readOrClaim(areaCode);
    while (found.kind === 'awaited' && performance.now() < patience) {
      await delay(LOOK_EVERY_MS);
      found = await cache.readOrClaim(areaCode);
    }
    if (found.kind === 'hit') return answer(areaCode, found.stats, 'l2', found.remainingMs);
    return readArea(areaCode, found.kind !== 'away');
  }

  async function readArea(areaCode: string, shared: boolean): Promise<Fetched<Answer>> {
    // Up to a tenth is taken off, so that areas cached together do not run out together. The time begins before the
    // read: an answer is never given out for longer than the time to live after its counts were true.
    const until = performance.now() + ttlMs * (1 - random() / 10);
    try {
      const { source, ...stats } = await repository.readArea(areaCode);
      const remainingMs = until - performance.now();
      if (shared) await cache.fill(areaCode, stats, remainingMs);
      return answer(areaCode, stats, source, remainingMs);
    } catch (error) {
      if (shared) await cache.release(areaCode);
      throw error;
    }
  }

  async function recordAll(requests: RecordEventRequest[]): Promise<Outcome[]> {
    const judged = requests.map(eventOf);
    const outcomes = (await recorder.record(judged.flatMap(({ event }) => event ?? []))).values();
    return judged.map(({ violations }) => (violations ? invalidEvent(violations) : outcomes.next().value!));
  }

  return {
    /** The counts of an area: the last answer of this process, else the shared one, else the database's. */
    async areaStats(areaCode: string): Promise<Answer> {
      const kept = answers.kept(areaCode);
      return kept ? { ...kept, source: 'l1' } : answers.fetched(areaCode, () => fetchArea(areaCode));
    },

    /** Records one event: RECORDED or DUPLICATE. Throws INVALID_ARGUMENT when it is refused. */
    async recordEvent(request: RecordEventRequest): Promise<Outcome> {
      const [outcome] = await recordAll([request]);
      if (outcome!.result !== 'REFUSED') return outcome!;
      const { reason, violations } = outcome!;
      throw reason === 'INVALID_EVENT' ? invalidArgument(violations) : eventRefused(reason, violations);
    },

    /** Records the events that break no rule, in one transaction: an outcome for each event, in the order given. */
    recordEvents: recordAll,
  };
}

function answer(areaCode: string, stats: AreaStats, source: Answer['source'], ttlMs: number): Fetched<Answer> {
  return { value: { bytes: encodeAreaStats(areaCode, stats), asOf: stats.asOf, source }, ttlMs };
}
