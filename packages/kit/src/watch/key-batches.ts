/** Keys that wait for work, done in batches. */
export type KeyBatches = {
  /** Has the key worked on by a run that begins after this. */
  want(key: string): void;
};

/**
 * Gathers keys and works on them together: those of one turn of the event loop are one batch, of at most `mostKeys`,
 * with `mostAtOnce` batches at a time. A key is in one batch at a time; wanted meanwhile, however often, it is in one
 * more.
 *
 * @param run works on a batch; never rejects
 */
export function createKeyBatches({
  run,
  mostKeys,
  mostAtOnce,
}: {
  run: (keys: string[]) => Promise<void>;
  mostKeys: number;
  mostAtOnce: number;
}): KeyBatches {
  const wanted = new Set<string>();
  const inWork = new Set<string>();
  let running = 0;
  let scheduled = false;

  function take(): string[] {
    const keys: string[] = [];
    for (const key of wanted) {
      if (keys.length === mostKeys) break;
      if (!inWork.has(key)) keys.push(key);
    }
    for (const key of keys) {
      wanted.delete(key);
      inWork.add(key);
    }
    return keys;
  }

  async function work(keys: string[]): Promise<void> {
    running += 1;
    await run(keys);
    running -= 1;
    for (const key of keys) inWork.delete(key);
    if (wanted.size > 0) schedule();
  }

  function begin(): void {
    scheduled = false;
    while (running < mostAtOnce) {
      const keys = take();
      if (keys.length === 0) return;
      void work(keys);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(begin);
  }

  return {
    want(key) {
      wanted.add(key);
      schedule();
    },
  };
}
