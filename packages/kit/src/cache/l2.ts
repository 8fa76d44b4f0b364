import type { Cluster } from 'ioredis';
import { createScript } from '../redis/script.ts';
import { slotOf } from '../redis/slot.ts';
import type { Counts } from './counts.ts';
import type { Entry } from './entry.ts';
import { AWAY, createGuard, isFull } from './guard.ts';
import type { Keys } from './keys.ts';
import { COMPARE_AND_SET, REMOVE } from './scripts.ts';
import { decodeValue, encodeValue } from './value.ts';

export type L2Options = {
  /** How long a value lives, in milliseconds, give or take a tenth; 0 turns L2 off. */
  ttlMs: number;
  /** How long an operation is waited for, in milliseconds; default 50. */
  waitMs?: number;
};

/** So many gets go to a node at once: more would take longer to read than they may be waited for. */
const AT_ONCE = 100;

/** What was found: an entry, nothing, or no Redis. */
export type L2Found = Entry | undefined | typeof AWAY;

/** What a fetch found. `empty`: whether nothing was there a moment ago. */
export type Fill = { id: string; entry: Entry; empty: boolean };

export type L2 = ReturnType<typeof createL2>;

/** The store that all processes share. It never throws: a Redis that fails, is slow or is full is away. */
export function createL2({
  redis,
  keys,
  counts,
  ttlMs,
  waitMs = 50,
}: L2Options & { redis: Cluster; keys: Keys; counts: Counts }) {
  const guard = createGuard({ waitMs, counts });
  const compareAndSet = createScript(redis, COMPARE_AND_SET);
  const remove = createScript(redis, REMOVE);
  const off = ttlMs === 0;
  // A marker may go once every value that it could be about is gone.
  const markerTtlMs = Math.ceil(ttlMs * 1.2);

  const nodeOf = (key: string) => redis.slots[slotOf(key)]?.[0] ?? 'cluster';
  const life = () => Math.ceil(ttlMs * (0.9 + 0.2 * Math.random()));

  function store(id: string, entry: Entry, announce: boolean): Promise<boolean> {
    const pair = [keys.value(id), keys.marker(id)];
    return guard(nodeOf(pair[0]!), async () => {
      try {
        await compareAndSet(pair, [encodeValue(entry), life(), announce ? 1 : 0, markerTtlMs]);
      } catch (error) {
        // A server without room for the new value must not go on giving out the old one; deleting announces, too.
        if (announce && isFull(error)) await redis.unlink(...pair);
        throw error;
      }
    }).then((done) => done !== AWAY);
  }

  return {
    off,

    /** What is stored of each id, in their order. The gets of one node travel together. */
    async read(ids: string[]): Promise<L2Found[]> {
      const found: L2Found[] = new Array<L2Found>(ids.length).fill(AWAY);
      if (off) return found;
      const groups = new Map<string, number[]>();
      for (const [index, id] of ids.entries()) {
        const node = nodeOf(keys.value(id));
        const group = groups.get(node);
        if (group) group.push(index);
        else groups.set(node, [index]);
      }
      const reads = [...groups].map(async ([node, group]) => {
        for (let start = 0; start < group.length; start += AT_ONCE) {
          const some = group.slice(start, start + AT_ONCE);
          const values = await guard(node, () =>
            Promise.all(some.map((index) => redis.getBuffer(keys.value(ids[index]!)))),
          );
          if (values === AWAY) continue;
          for (const [at, index] of some.entries()) {
            const value = values[at];
            found[index] = value ? decodeValue(value) : undefined;
          }
        }
      });
      await Promise.all(reads);
      return found;
    },

    /** Keeps what fetches found, unless newer ones are there. Those of one node travel together. */
    async fill(fills: Fill[]): Promise<void> {
      if (off) return;
      const nodes = Map.groupBy(fills, ({ id }) => nodeOf(keys.value(id)));
      await Promise.all(
        [...nodes].map(async ([node, some]) => {
          // Cheaper than the script, where nothing was a moment ago.
          const empty = some.filter(({ empty }) => empty);
          const set = await guard(node, () =>
            Promise.all(
              empty.map(({ id, entry }) => redis.set(keys.value(id), encodeValue(entry), 'PX', life(), 'NX')),
            ),
          );
          if (set === AWAY) return;
          const rest = [...empty.filter((_, index) => set[index] !== 'OK'), ...some.filter(({ empty }) => !empty)];
          await Promise.all(rest.map(({ id, entry }) => store(id, entry, false)));
        }),
      );
    },

    /** Keeps what was written, unless a newer one is there, and announces it. Answers whether Redis has done it. */
    async put(id: string, entry: Entry): Promise<boolean> {
      return off || (await store(id, entry, true));
    },

    /** Deletes what is stored and announces that. Answers whether Redis has done it. */
    async remove(id: string): Promise<boolean> {
      if (off) return true;
      const pair = [keys.value(id), keys.marker(id)];
      return (await guard(nodeOf(pair[0]!), () => remove(pair, [markerTtlMs]))) !== AWAY;
    },

    /** Whether this process is the one to refresh the id for the next `ms` milliseconds. */
    async lease(id: string, ms: number): Promise<boolean> {
      if (off) return false;
      const key = keys.lease(id);
      return (await guard(nodeOf(key), () => redis.set(key, '', 'PX', ms, 'NX'))) === 'OK';
    },

    /** Whether an entry with this time is close to the end of its life here. */
    isOld: (asOf: number) => Date.now() - asOf > ttlMs * 0.75,
  };
}
