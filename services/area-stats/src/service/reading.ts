import { setTimeout as delay } from 'node:timers/promises';
import type { Answers, Fetched, Kept } from '../answers.ts';
import { type AreaStats, encodeAreaStats } from '../area-stats.ts';
import type { createCache } from '../cache.ts';
import type { Repository } from '../repository.ts';

/** An encoded answer to GetAreaStats, when its counts were read, and where it came from. */
export type Counts = { bytes: Uint8Array; asOf: number; source: 'l1' | 'l2' | 'replica' | 'primary' };

/** Counts, and for how long they are answered again; 0: they ran out, and new ones are on their way. */
export type Answer = Counts & { remainingMs: number };

export type Reading = ReturnType<typeof createReading>;

// How often a process looks whether the one that claimed an area has filled it.
const LOOK_EVERY_MS = 10;

/** How the counts of areas are read, in order. */
export function createReading({
  repository,
  cache,
  answers,
  ttlMs,
}: {
  repository: Pick<Repository, 'readArea'>;
  cache: ReturnType<typeof createCache>;
  answers: Answers<Counts>;
  /** How long counts may be answered again. */
  ttlMs: number;
}) {
  async function fetchArea(areaCode: string): Promise<Fetched<Counts>> {
    let found = await cache.readOrClaim(areaCode);
    // Whoever fetches ends within the time that a read of the database has, or its claim runs out and one who waits has it.
    while (found.kind === 'awaited') {
      await delay(LOOK_EVERY_MS);
      found = await cache.readOrClaim(areaCode);
    }
    if (found.kind === 'hit') return fetched(areaCode, found.stats, 'l2', found.remainingMs);
    if (found.kind === 'away') return readArea(areaCode);
    const letGo = cache.hold(areaCode);
    try {
      return await readArea(areaCode, { claimed: true });
    } finally {
      letGo();
    }
  }

  async function readArea(areaCode: string, { claimed = false } = {}): Promise<Fetched<Counts>> {
    // The time begins before the read: an answer is never given out for longer than the time to live after its counts
    // were true on the node that was asked; what a replica lags behind comes on top, and is in `asOf`. Nothing is taken
    // off by chance, or there would be more queries than one a time to live.
    const until = performance.now() + ttlMs;
    try {
      const { source, ...stats } = await repository.readArea(areaCode);
      const remainingMs = until - performance.now();
      if (claimed) await cache.fill(areaCode, stats, remainingMs);
      return fetched(areaCode, stats, source, remainingMs);
    } catch (error) {
      if (claimed) await cache.release(areaCode);
      throw error;
    }
  }

  return {
    /**
     * The counts of an area: the last answer of this process, else the shared one, else the database's. Once an answer
     * has run out, one caller fetches and the others are given the last one until it is there, for at most another time
     * to live; where there is none, they wait. A fetch that fails is followed by that of one of those who wait.
     */
    async areaStats(areaCode: string): Promise<Answer> {
      const kept = answers.kept(areaCode) ?? answers.last(areaCode);
      return kept ? answer(kept, 'l1') : answer(await answers.fetched(areaCode, () => fetchArea(areaCode)));
    },
  };
}

function fetched(areaCode: string, stats: AreaStats, source: Counts['source'], ttlMs: number): Fetched<Counts> {
  return { value: { bytes: encodeAreaStats(areaCode, stats), asOf: stats.asOf, source }, ttlMs };
}

function answer({ value, remainingMs }: Kept<Counts>, source = value.source): Answer {
  // What ran out was answered before, from wherever it came.
  return { ...value, source: remainingMs > 0 ? source : 'l1', remainingMs: Math.max(0, remainingMs) };
}
