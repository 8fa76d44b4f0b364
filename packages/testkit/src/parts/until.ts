import { setTimeout as delay } from 'node:timers/promises';

export type UntilOptions = {
  /** What is waited for; ends the error "waited 5000 ms for <what>". */
  what: string;
  /** Bound in milliseconds; default 10,000. */
  within?: number;
  /** Milliseconds between two looks; default 20. */
  every?: number;
};

/**
 * Looks until `condition` yields something other than `undefined` or `false`, and returns that.
 * A condition that throws counts as not yet; its last error is the cause of the final error.
 */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { what, within = 10_000, every = 20 }: UntilOptions,
): Promise<T> {
  const end = performance.now() + within;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw new Error(`waited ${within} ms for ${what}`, { cause });
    await delay(every);
  }
}
