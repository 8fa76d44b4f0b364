import type { Chore } from './housekeeping.ts';
import type { Repository, TimeLimits } from './repository.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const TRIM_CHUNK = 10_000;

// Pages of event ids that one statement walks: 10,000 ids. All of them are walked within a day: to read them costs the
// disk little, and what is kept a day longer than it has to be is an eighth more.
const TRIM_PAGES = 64;
const TRIM_ROUND_SECONDS = 24 * 3_600;

/** Presences that one statement sweeps, so that it holds its counts briefly. */
const SWEEP_CHUNK = 1_000;

// How far the totals of areas may be behind their counts, about.
const FOLD_EVERY_MS = 1_000;
const FOLD_CHUNK = 10_000;

// An id is kept for longer than its event can be accepted again by this much.
const MARGIN_SECONDS = 3_600;

/**
 * What the tables need now and then: partitions made ahead and old ones dropped, old ids and jobs trimmed, presences swept
 * whose lease has run out, and changes added up in the totals of areas, in chunks that are each one short transaction.
 */
export function choresOf({
  repository,
  limits,
  sweepSeconds,
  logDays,
  jobDays,
}: {
  repository: Pick<
    Repository,
    'ensureEventPartitions' | 'dropEventPartitions' | 'trimEventIds' | 'trimJobs' | 'sweepPresences' | 'foldAreaChanges'
  >;
  limits: TimeLimits;
  sweepSeconds: number;
  logDays: number;
  jobDays: number;
}): Chore[] {
  const keepSeconds = limits.maxLatenessSeconds + limits.maxSkewSeconds + MARGIN_SECONDS;
  return [
    {
      name: 'event partitions',
      everyMs: 24 * HOUR_MS,
      run: async () => {
        await repository.ensureEventPartitions();
      },
    },
    {
      name: 'old events',
      everyMs: HOUR_MS,
      run: async () => {
        await repository.dropEventPartitions(logDays);
      },
    },
    {
      name: 'leases',
      everyMs: sweepSeconds * 1_000,
      run: async () => {
        while ((await repository.sweepPresences(SWEEP_CHUNK)) === SWEEP_CHUNK);
      },
    },
    {
      name: 'event ids',
      everyMs: MINUTE_MS,
      run: async () => {
        const walk = { keepSeconds, pages: TRIM_PAGES, roundSeconds: TRIM_ROUND_SECONDS };
        while ((await repository.trimEventIds(walk)) > 0);
      },
    },
    {
      name: 'old jobs',
      everyMs: HOUR_MS,
      run: async () => {
        while ((await repository.trimJobs(jobDays, TRIM_CHUNK)) === TRIM_CHUNK);
      },
    },
    {
      name: 'area totals',
      everyMs: FOLD_EVERY_MS,
      run: async () => {
        while ((await repository.foldAreaChanges(FOLD_CHUNK)) === FOLD_CHUNK);
      },
    },
  ];
}
