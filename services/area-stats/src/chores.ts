import type { Chore } from './housekeeping.ts';
import type { Repository, TimeLimits } from './repository.ts';

const HOUR_MS = 3_600_000;
const TRIM_CHUNK = 10_000;

// An id is kept for longer than its event can be accepted again by this much.
const MARGIN_SECONDS = 3_600;

/** What the tables need now and then: partitions made ahead, and old event ids trimmed in chunks. */
export function choresOf({
  repository,
  limits,
}: {
  repository: Pick<Repository, 'ensureEventPartitions' | 'trimEventIds'>;
  limits: TimeLimits;
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
      name: 'event ids',
      everyMs: HOUR_MS,
      run: async () => {
        while ((await repository.trimEventIds(keepSeconds, TRIM_CHUNK)) === TRIM_CHUNK);
      },
    },
  ];
}
