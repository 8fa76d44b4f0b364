import type { Entry } from './entry.ts';

export type Redo = {
  /** Tries again later. */
  add(key: string, entry: Entry): void;
  readonly size: number;
  close(): void;
};

const EVERY_MS = 500;
const AT_ONCE = 100;

/**
 * Repeats writes that Redis did not take, so that other processes hear of them once it is back. It keeps the newest entry of
 * `maxKeys` keys at most; beyond that the oldest go, and what is left of them in Redis lives until its TTL is over.
 */
export function createRedo({
  put,
  maxKeys = 10_000,
}: {
  put: (key: string, entry: Entry) => Promise<boolean>;
  maxKeys?: number;
}): Redo {
  const undone = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  let busy = false;

  async function tryAll(): Promise<void> {
    busy = true;
    while (timer && undone.size > 0) {
      const some = [...undone].slice(0, AT_ONCE);
      const done = await Promise.all(some.map(([key, entry]) => put(key, entry)));
      for (const [index, [key, entry]] of some.entries()) {
        if (done[index] && undone.get(key) === entry) undone.delete(key);
      }
      // The others wait their turn behind those that failed.
      for (const [index, [key, entry]] of some.entries()) {
        if (done[index] || undone.get(key) !== entry) continue;
        undone.delete(key);
        undone.set(key, entry);
      }
      if (done.includes(false)) break;
    }
    busy = false;
    if (undone.size === 0) stop();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(key, entry) {
      const earlier = undone.get(key);
      if (earlier && earlier.version >= entry.version) return;
      undone.delete(key);
      undone.set(key, entry);
      if (undone.size > maxKeys) undone.delete(undone.keys().next().value!);
      timer ??= setInterval(() => {
        if (!busy) void tryAll();
      }, EVERY_MS).unref();
    },
    get size() {
      return undone.size;
    },
    close() {
      undone.clear();
      stop();
    },
  };
}
