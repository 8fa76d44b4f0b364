import { LRUCache } from 'lru-cache';
import { newCache } from 'transitory';
import { table } from './table.ts';
import { createZipf } from './zipf.ts';

// How often a store of the size of L1 has what is asked for, and what a look-up costs, when keys are drawn by Zipf's law:
//   node tools/bench/l1-trace.ts [keys] [accesses]
const KEYS = Number(process.argv[2] ?? 1_000_000);
const ACCESSES = Number(process.argv[3] ?? 3_000_000);
const SHARES = [0.001, 0.01, 0.05];

type Store = { get(key: string): unknown; set(key: string): void; end(): void };

const STORES: Record<string, (size: number) => Store> = {
  transitory(size) {
    const cache = newCache<string, number>().maxSize(size).build();
    return { get: (key) => cache.getIfPresent(key), set: (key) => void cache.set(key, 1), end: () => cache.clear() };
  },
  'lru-cache'(size) {
    const cache = new LRUCache<string, number>({ max: size });
    return { get: (key) => cache.get(key), set: (key) => void cache.set(key, 1), end: () => cache.clear() };
  },
};

/** The second half of the trace is counted: the first warms up. */
function run(store: Store, trace: Uint32Array, keys: string[]): { hitRate: number; nanos: number } {
  const half = trace.length >>> 1;
  let hits = 0;
  let start = 0;
  for (let index = 0; index < trace.length; index += 1) {
    if (index === half) start = performance.now();
    const key = keys[trace[index]!]!;
    if (store.get(key) != null) hits += Number(index >= half);
    else store.set(key);
  }
  const nanos = ((performance.now() - start) * 1e6) / (trace.length - half);
  store.end();
  return { hitRate: hits / (trace.length - half), nanos };
}

/** Numbers in [0, 1), the same in each run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const zipf = createZipf(KEYS, createRandom(1));
const trace = Uint32Array.from({ length: ACCESSES }, zipf);
const keys = Array.from(
  { length: KEYS },
  (_, rank) => `00000000-0000-4000-8000-${rank.toString(16).padStart(12, '0')}`,
);
const rows = [['entries kept', 'store', 'hit rate', 'ns per access']];
for (const share of SHARES) {
  const size = Math.max(1, Math.round(KEYS * share));
  for (const [name, create] of Object.entries(STORES)) {
    const { hitRate, nanos } = run(create(size), trace, keys);
    rows.push([size.toLocaleString('en'), name, `${(hitRate * 100).toFixed(1)} %`, nanos.toFixed(0)]);
  }
}
process.stdout.write(
  `${KEYS.toLocaleString('en')} keys by Zipf 1.0, ${ACCESSES.toLocaleString('en')} accesses\n${table(rows)}\n`,
);
