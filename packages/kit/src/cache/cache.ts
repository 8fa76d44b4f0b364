import type { Meter } from '@opentelemetry/api';
import type { Cluster } from 'ioredis';
import type { Logger } from 'pino';
import { createBatches } from '../batches.ts';
import { unavailable } from '../errors/common.ts';
import { type Counts, createCounts, observeCounts } from './counts.ts';
import { type Cached, type Demand, type Entry, type Fetched, satisfies, type Want } from './entry.ts';
import { createFlights, type Flight } from './flights.ts';
import { createFloors } from './floors.ts';
import { AWAY } from './guard.ts';
import { createKeys } from './keys.ts';
import { createL1, type L1Options, type Slot } from './l1.ts';
import { createL2, type Fill, type L2Options } from './l2.ts';
import type { Markers } from './markers.ts';
import { createRedo } from './redo.ts';
import { leaving } from './signal.ts';

export type { Cached, Demand, Entry, Fetched, Source, Want } from './entry.ts';

export type CacheOptions = {
  /** Of the service, for example `player-state`; with the noun it begins the names of keys. */
  name: string;
  /** Of what is cached, for example `state`; without a colon. */
  noun: string;
  redis: Cluster;
  /** The markers of the same service. */
  markers: Markers;
  l1: L1Options;
  l2: L2Options;
  /**
   * Reads the wants, none twice, in one query; a key that does not exist is not in the answer. What a
   * replica lacks, or has not come up to, is to be read from the primary: what is below a want is taken for all there is.
   */
  fetchMany: (wants: Want[]) => Promise<Map<string, Fetched>>;
  /**
   * The most keys of a fetch, and the most fetches in work; default 250 and 3, so that many keys share a query, and each
   * costs less. Keys that `fetchMany` reads one by one are better fetched alone: those of one fetch wait for its slowest.
   */
  fetches?: { keys: number; atOnce: number };
  /** How long an absent key is remembered, in milliseconds; default 2,000. */
  absentTtlMs?: number;
  /** How far a replica that is read may be behind, in milliseconds; default 10,000. */
  lagBoundMs?: number;
  meter: Meter;
  logger: Pick<Logger, 'warn'>;
};

export type Cache = {
  /** What the memory of this process has, at once and without a promise: the way of a hot read. */
  peek(key: string, demand?: Demand): Cached | undefined;
  /**
   * From memory, Redis or a fetch. Rejects only as `fetchMany` does, with the reason of the signal, or UNAVAILABLE when
   * nothing but older versions than this process has seen can be read.
   */
  get(key: string, demand?: Demand & { signal?: AbortSignal }): Promise<Cached>;
  /** Many at once; the answer has each key. */
  getMany(keys: string[], demand?: Demand & { signal?: AbortSignal }): Promise<Map<string, Cached>>;
  /**
   * Keeps what was written, after its commit, and announces it to other processes; waits a moment for Redis, never throws.
   * What Redis does not take is tried again in the background.
   */
  put(key: string, entry: Entry): Promise<void>;
  /** Drops the key everywhere and announces that. Answers whether Redis has done it. */
  invalidate(key: string): Promise<boolean>;
  /** Tells of each key that was written anew by any process, this one included. @returns ends the telling */
  onInvalidate(listener: (key: string) => void): () => void;
  stats(): Readonly<Counts> & { entries: number; bytes: number; floors: number; undone: number };
  close(): void;
};

/** While writes may go unheard, an entry lives so many milliseconds at most. */
const UNHEARD_LIFE = 1_000;
const FETCHES = { keys: 250, atOnce: 3 };
/** The most entries that are put into Redis together after a fetch. */
const FILLED = 250;
/** The most entries that wait for being put into Redis after a fetch. */
const FILLS = 10_000;
/** How often a key is looked up again when less is found than was seen before. */
const MOST_MISLED = 3;
/** How long one process has for refreshing a shared entry, in milliseconds. */
const LEASE = 2_000;

/**
 * A cache of encoded answers with versions, in memory (L1) over Redis (L2) over fetches. A process never gets an older
 * version than one it got before: it remembers those for longer than an older one can linger. What it fetches a second
 * time within that time it puts into Redis, and what is written always.
 */
export function createCache(options: CacheOptions): Cache {
  const { name, noun, redis, markers, fetchMany, absentTtlMs = 2_000, lagBoundMs = 10_000, meter, logger } = options;
  const { keys, atOnce } = options.fetches ?? FETCHES;
  const counts = createCounts();
  const l1 = createL1({
    ...options.l1,
    evicted: () => {
      counts.evictions += 1;
    },
  });
  const l2 = createL2({ ...options.l2, redis, keys: createKeys(name, noun), counts });
  const floors = createFloors({ keepMs: options.l2.ttlMs * 1.1 + options.l1.ttlMs + lagBoundMs });
  const listeners = new Set<(key: string) => void>();
  const flights = createFlights({ begin: (begun) => void lookUp(begun) });
  const fetches = createBatches({ run: fetch, size: keys, most: atOnce });
  const fills = createBatches<Fill>({
    run: l2.fill,
    size: FILLED,
    most: 1,
    bound: FILLS,
  });
  const redo = createRedo({ put: l2.put });

  /** Looks in Redis, and has the rest fetched. */
  async function lookUp(begun: Flight[]): Promise<void> {
    const found = await l2.read(begun.map(({ key }) => key));
    const rest = begun.filter((flight, index) => {
      const entry = found[index];
      flight.empty = entry === undefined;
      if (!entry || entry === AWAY || !isEnough(entry, flight)) return true;
      counts.l2Hits += 1;
      land(flight, { ...entry, source: 'l2' });
      if (l2.isOld(entry.asOf)) void refreshShared(flight.key, entry);
      return false;
    });
    counts.misses += rest.length;
    fetches.add(rest);
  }

  function isEnough(entry: Entry, flight: Flight): boolean {
    if (entry.version >= floors.of(flight.key)) return satisfies(entry, flight);
    counts.stale += 1;
    return false;
  }

  async function fetch(batch: Flight[]): Promise<void> {
    counts.fetches += 1;
    const wants = batch.map((flight) => {
      flight.floor = floors.of(flight.key);
      const { key, minVersion, notBefore, floor } = flight;
      return { key, minVersion: Math.max(minVersion, floor), notBefore };
    });
    try {
      const found = await fetchMany(wants);
      for (const flight of batch) take(flight, found.get(flight.key));
    } catch (error) {
      for (const flight of batch) flights.fail(flight, error);
    }
  }

  /** Takes what a fetch found, unless this process has seen a newer version. */
  function take(flight: Flight, fetched: Fetched | undefined): void {
    const { key } = flight;
    const floor = floors.of(key);
    if ((fetched?.version ?? 0) < floor) {
      const held = l1.get(key, performance.now());
      if (held && satisfies(held, flight)) {
        flights.land(flight, held);
        return;
      }
      // The primary itself does not have what was seen before it was asked: a failover has lost that.
      if (fetched?.source !== 'primary' || flight.floor !== floor) {
        misled(flight);
        return;
      }
      logger.warn({ noun, key, seen: floor, found: fetched.version }, 'the primary is behind a version seen before');
      floors.reset(key, fetched.version);
    }
    // What was never seen before is likely not asked for again before it ends: a write to Redis would be for nothing.
    const again = flight.floor > 0;
    if (fetched && again && !flight.outdated) fills.add([{ id: key, entry: fetched, empty: flight.empty }]);
    land(flight, fetched ?? { bytes: undefined, version: 0, asOf: 0, source: 'primary' });
  }

  function misled(flight: Flight): void {
    counts.stale += 1;
    flight.misled += 1;
    if (flight.misled < MOST_MISLED) flights.again(flight);
    else flights.fail(flight, unavailable('the newest version that was seen can not be read at present', 1_000));
  }

  function land(flight: Flight, cached: Cached): void {
    const { key } = flight;
    if (cached.version > 0) floors.raise(key, cached.version);
    if (!flight.outdated) keep(key, cached);
    else if ((l1.get(key, 0)?.version ?? 0) < cached.version) l1.delete(key);
    flights.land(flight, cached);
  }

  function keep(key: string, entry: Omit<Cached, 'source'>): void {
    const life = entry.bytes ? options.l1.ttlMs : absentTtlMs;
    l1.set(key, entry, markers.complete ? life : Math.min(life, UNHEARD_LIFE));
  }

  /** Fetches anew what is about to end in Redis; one process does it for all. */
  async function refreshShared(key: string, { asOf }: Entry): Promise<void> {
    if (!(await l2.lease(key, LEASE))) return;
    refresh(key, asOf + 1);
  }

  function refresh(key: string, notBefore: number): void {
    counts.refreshes += 1;
    // Nobody waits for it; whoever asks later meets the same fault.
    flights.join(key, 0, notBefore).catch(() => undefined);
  }

  function peek(key: string, demand?: Demand): Slot | undefined {
    const now = performance.now();
    const slot = l1.get(key, now);
    if (!slot || (demand && !satisfies(slot, absolute(demand)))) return undefined;
    counts.l1Hits += 1;
    if (now >= slot.refreshFrom) {
      slot.refreshFrom = Number.POSITIVE_INFINITY;
      refresh(key, 0);
    }
    return slot;
  }

  const shared = () => {
    counts.coalesced += 1;
  };

  function join(key: string, demand?: Demand): Promise<Cached> {
    const { minVersion, notBefore } = absolute(demand);
    return flights.join(key, minVersion, notBefore, shared);
  }

  const stopListening = markers.listen(noun, {
    touched(key) {
      counts.invalidations += 1;
      l1.delete(key);
      flights.outdate(key);
      for (const listener of listeners) listener(key);
    },
    missed() {
      counts.emptied += 1;
      l1.clear();
      flights.outdateAll();
    },
  });
  const stopObserving = observeCounts(meter, { noun, counts, l1 });

  return {
    peek,
    get(key, demand) {
      const hit = peek(key, demand);
      return hit ? Promise.resolve(hit) : leaving(join(key, demand), demand?.signal);
    },
    async getMany(keys, demand) {
      const answers = new Map<string, Cached>();
      const missing: string[] = [];
      for (const key of keys) {
        const hit = peek(key, demand);
        if (hit) answers.set(key, hit);
        else missing.push(key);
      }
      if (missing.length > 0) {
        const found = await leaving(Promise.all(missing.map((key) => join(key, demand))), demand?.signal);
        for (const [index, key] of missing.entries()) answers.set(key, found[index]!);
      }
      return answers;
    },
    async put(key, entry) {
      if (entry.version >= floors.of(key)) {
        floors.raise(key, entry.version);
        keep(key, entry);
      }
      if (!(await l2.put(key, entry))) redo.add(key, entry);
    },
    invalidate(key) {
      l1.delete(key);
      flights.outdate(key);
      return l2.remove(key);
    },
    onInvalidate(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stats: () => ({ ...counts, entries: l1.size, bytes: l1.bytes, floors: floors.size, undone: redo.size }),
    close() {
      stopListening();
      stopObserving();
      redo.close();
      listeners.clear();
      l1.close();
    },
  };
}

function absolute({ minVersion = 0, maxStalenessMs }: Demand = {}): Omit<Want, 'key'> {
  return { minVersion, notBefore: maxStalenessMs === undefined ? 0 : Date.now() - maxStalenessMs };
}
