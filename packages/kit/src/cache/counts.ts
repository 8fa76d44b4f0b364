import type { Meter, ObservableResult } from '@opentelemetry/api';

/** What a cache counts since it was opened. */
export type Counts = {
  l1Hits: number;
  l2Hits: number;
  /** Keys that Redis did not have, or not as wanted. */
  misses: number;
  /** Calls of `fetchMany`. */
  fetches: number;
  /** Readers that took part in the fetch of another one. */
  coalesced: number;
  /** Answers of Redis or a node that were older than what this process had seen. */
  stale: number;
  /** Entries that L1 had no room for. */
  evictions: number;
  /** Markers of written keys that were heard. */
  invalidations: number;
  /** How often L1 was emptied because markers may have been missed. */
  emptied: number;
  /** Entries that were fetched anew while the old ones were served. */
  refreshes: number;
  /** Operations on Redis that failed or took too long. */
  l2Errors: number;
  /** Operations on Redis that were left out because its node had failed just before. */
  l2Skipped: number;
};

export function createCounts(): Counts {
  return {
    l1Hits: 0,
    l2Hits: 0,
    misses: 0,
    fetches: 0,
    coalesced: 0,
    stale: 0,
    evictions: 0,
    invalidations: 0,
    emptied: 0,
    refreshes: 0,
    l2Errors: 0,
    l2Skipped: 0,
  };
}

const DESCRIPTIONS: Record<keyof Counts, string> = {
  l1Hits: 'Reads answered from the memory of the process',
  l2Hits: 'Keys answered by Redis',
  misses: 'Keys that no cache had as wanted',
  fetches: 'Batched fetches from the database',
  coalesced: 'Reads that shared the fetch of another one',
  stale: 'Answers refused because a newer one had been seen',
  evictions: 'Entries that the memory had no room for',
  invalidations: 'Writes heard of through Redis',
  emptied: 'Times that the memory was emptied because writes may have been missed',
  refreshes: 'Entries fetched anew ahead of their expiry',
  l2Errors: 'Operations on Redis that failed or took too long',
  l2Skipped: 'Operations on Redis left out after failures',
};

/** Shows the counts and the size of L1 whenever metrics are collected. Counting itself is plain addition. */
export function observeCounts(
  meter: Meter,
  { noun, counts, l1 }: { noun: string; counts: Counts; l1: { size: number; bytes: number } },
): () => void {
  const ends = (Object.keys(DESCRIPTIONS) as (keyof Counts)[]).map((count) => {
    const name = `cache.${count.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)}`;
    return observe(meter.createObservableCounter(name, { description: DESCRIPTIONS[count] }), () => counts[count]);
  });
  ends.push(
    observe(meter.createObservableGauge('cache.entries', { description: 'Entries in memory' }), () => l1.size),
    observe(
      meter.createObservableGauge('cache.bytes', { description: 'Size of the entries in memory', unit: 'By' }),
      () => l1.bytes,
    ),
  );
  return () => {
    for (const end of ends) end();
  };

  function observe(instrument: ReturnType<Meter['createObservableGauge']>, value: () => number): () => void {
    const callback = (result: ObservableResult) => result.observe(value(), { noun });
    instrument.addCallback(callback);
    return () => instrument.removeCallback(callback);
  }
}
