/** A value and for how long it may be answered again. */
export type Fetched<T> = { value: T; ttlMs: number };

/** A value that was answered before, and for how long it may still be; below 0: it ran out that long ago. */
export type Kept<T> = { value: T; remainingMs: number };

/** The last answers of this process. */
export type Answers<T> = {
  /** The answer for a key that has not run out; undefined when there is none. */
  kept(key: string): Kept<T> | undefined;
  /** The last answer for a key that is being fetched anew, if it ran out no longer ago than the grace. */
  last(key: string): Kept<T> | undefined;
  /**
   * The answer that is being fetched for the key, or that `fetch` fetches now. A fetch that fails keeps nothing, and is
   * answered by the last answer while its grace lasts.
   */
  fetched(key: string, fetch: () => Promise<Fetched<T>>): Promise<Kept<T>>;
};

/**
 * Keeps the last answer for each key until it runs out, and lets concurrent callers share one fetch.
 *
 * @param limit the most keys kept; the one kept for longest makes room
 * @param graceMs for how long an answer that ran out stands in for one that is not there yet
 * @param now a clock in milliseconds that never goes back
 */
export function createAnswers<T>({
  limit,
  graceMs,
  now = () => performance.now(),
}: {
  limit: number;
  graceMs: number;
  now?: () => number;
}): Answers<T> {
  const answers = new Map<string, { value: T; until: number }>();
  const running = new Map<string, Promise<Kept<T>>>();

  /** The answer for a key unless it ran out longer than `ms` ago. */
  function within(key: string, ms: number): Kept<T> | undefined {
    const answer = answers.get(key);
    if (!answer) return undefined;
    const remainingMs = answer.until - now();
    return remainingMs > -ms ? { value: answer.value, remainingMs } : undefined;
  }

  async function run(key: string, fetch: () => Promise<Fetched<T>>): Promise<Kept<T>> {
    try {
      const { value, ttlMs } = await fetch();
      // Deleted first, so that the map stays in the order of keeping.
      answers.delete(key);
      answers.set(key, { value, until: now() + ttlMs });
      if (answers.size > limit) answers.delete(answers.keys().next().value!);
      return { value, remainingMs: ttlMs };
    } catch (fault) {
      const last = within(key, graceMs);
      if (last) return last;
      throw fault;
    } finally {
      running.delete(key);
    }
  }

  return {
    kept: (key) => within(key, 0),
    last: (key) => (running.has(key) ? within(key, graceMs) : undefined),
    fetched(key, fetch) {
      let fetching = running.get(key);
      if (!fetching) {
        fetching = run(key, fetch);
        running.set(key, fetching);
      }
      return fetching;
    },
  };
}
