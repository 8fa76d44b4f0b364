/** The newest version of each key that this process has seen lately. */
export type Floors = {
  /** 0 for a key that was not seen. */
  of(key: string): number;
  /** Remembers the version, unless a newer one is known. */
  raise(key: string, version: number): void;
  /** Sets the version even below the one that is known; 0 forgets the key. */
  reset(key: string, version: number): void;
  readonly size: number;
};

// Time goes by in slices; the oldest is forgotten as a whole, so that a key costs one entry of a map and no timer.
const SLICES = 4;

/**
 * @param keepMs how long a version is remembered at least after it was last seen
 * @param maxKeys beyond about this many the oldest are forgotten earlier; default 1,000,000, about 100 MB
 */
export function createFloors({ keepMs, maxKeys = 1_000_000 }: { keepMs: number; maxKeys?: number }): Floors {
  const spanMs = keepMs / (SLICES - 1);
  const slices = Array.from({ length: SLICES }, () => new Map<string, number>());
  let until = performance.now() + spanMs;

  function turn(): void {
    const now = performance.now();
    const behind = now >= until ? Math.floor((now - until) / spanMs) + 1 : 0;
    const full = slices[0]!.size * SLICES >= maxKeys;
    for (let turns = Math.min(SLICES, behind || Number(full)); turns > 0; turns -= 1) {
      slices.pop();
      slices.unshift(new Map());
    }
    if (behind > 0) until += behind * spanMs;
    else if (full) until = now + spanMs;
  }

  function of(key: string): number {
    for (const slice of slices) {
      // A newer slice never holds an older version.
      const version = slice.get(key);
      if (version !== undefined) return version;
    }
    return 0;
  }

  return {
    of,
    raise(key, version) {
      if (version < of(key)) return;
      turn();
      slices[0]!.set(key, version);
    },
    reset(key, version) {
      for (const slice of slices) slice.delete(key);
      if (version > 0) slices[0]!.set(key, version);
    },
    get size() {
      return slices.reduce((sum, slice) => sum + slice.size, 0);
    },
  };
}
