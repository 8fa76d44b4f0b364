/** A value and for how long it may be answered again. */
export type Fetched<T> = { value: T; ttlMs: number };

/** The last answers of this process. */
export type Answers<T> = {
  /** The answer for a key that has not run out; undefined when there is none. */
  kept(key: string): T | undefined;
  /** The answer that is being fetched for the key, or that `fetch` fetches now. A failed fetch keeps nothing. */
  fetched(key: string, fetch: () => Promise<Fetched<T>>): Promise<T>;
};

/**
 * Keeps the last answer for each key until it runs out, and lets concurrent callers share one fetch.
 *
 * @param limit the most keys kept; the one kept for longest makes room
 * @param now a clock in milliseconds that never goes back
 */
export function createAnswers<T>({
  limit,
  now = () => performance.now(),
}: {
  limit: number;
  now?: () => number;
}): Answers<T> {
  const answers = new Map<string, { value: T; until: number }>();
  const running = new Map<string, Promise<T>>();

  async function run(key: string, fetch: () => Promise<Fetched<T>>): Promise<T> {
    try {
      const { value, ttlMs } = await fetch();
      // Deleted first, so that the map stays in the order of keeping.
      answers.delete(key);
      answers.set(key, { value, until: now() + ttlMs });
      if (answers.size > limit) answers.delete(answers.keys().next().value!);
      return value;
    } finally {
      running.delete(key);
    }
  }

  return {
    kept(key) {
      const answer = answers.get(key);
      if (answer && answer.until > now()) return answer.value;
      answers.delete(key);
      return undefined;
    },
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
