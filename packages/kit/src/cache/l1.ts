import { BoundedCache } from 'transitory';
import type { Cached } from './entry.ts';

export type L1Options = {
  /** What the entries may weigh together; 0 turns L1 off. */
  maxBytes: number;
  /** How long an entry lives at most, in milliseconds; each lives up to a fifth shorter. */
  ttlMs: number;
};

export type L1 = {
  /** The entry, if it has not ended; it counts as a use. @param now by the clock of `performance.now()` */
  get(key: string, now: number): Slot | undefined;
  /** @param lifeMs shorter than the TTL, for what is less certain */
  set(key: string, cached: Omit<Cached, 'source'>, lifeMs?: number): void;
  delete(key: string): void;
  clear(): void;
  /** Empties it for good. */
  close(): void;
  readonly size: number;
  readonly bytes: number;
};

/** An entry in memory; it is handed to readers as it is. */
export type Slot = Cached & {
  /** When it ends, by the clock of `performance.now()`. */
  readonly ends: number;
  /** From when on a hit should have it fetched anew. */
  refreshFrom: number;
};

/** What an entry costs beside its bytes, about: the slot, the node of the list, the keys, the sketch. */
const OVERHEAD = 400;

/** The part of its life after which an entry that is still asked for is fetched anew. */
const FRESH_PART = 0.8;

/** A store in the memory of the process, which keeps what is used often (W-TinyLFU) and drops it when its time is over. */
export function createL1({ maxBytes, ttlMs, evicted }: L1Options & { evicted: () => void }): L1 {
  const slots = new BoundedCache<string, Slot>({
    maxSize: Math.max(1, maxBytes),
    weigher: (key, { bytes }) => OVERHEAD + 2 * key.length + (bytes?.length ?? 0),
    removalListener: (_key, _slot, reason) => {
      if (reason === 'size') evicted();
    },
  });
  let open = maxBytes > 0;
  return {
    get(key, now) {
      const slot = slots.getIfPresent(key);
      return slot !== null && slot.ends > now ? slot : undefined;
    },
    set(key, { bytes, version, asOf }, lifeMs = ttlMs) {
      if (!open) return;
      const life = Math.min(lifeMs, ttlMs) * (0.8 + 0.2 * Math.random());
      const now = performance.now();
      slots.set(key, { bytes, version, asOf, source: 'l1', ends: now + life, refreshFrom: now + life * FRESH_PART });
    },
    delete: (key) => void slots.delete(key),
    clear: () => slots.clear(),
    close() {
      open = false;
      slots.clear();
    },
    get size() {
      return slots.size;
    },
    get bytes() {
      return slots.weightedSize;
    },
  };
}
