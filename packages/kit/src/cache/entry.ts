/** Where an answer came from: this process, Redis, or a Postgres node. */
export type Source = 'l1' | 'l2' | 'replica' | 'primary';

/** What is stored of a key. */
export type Entry = {
  /** The encoded answer. It is shared: nobody changes it. */
  readonly bytes: Uint8Array;
  /** Grows with each write of the key; a whole number from 1 to 2^53 - 1. */
  readonly version: number;
  /** The time at which the answer was true, in epoch milliseconds of the primary's clock. */
  readonly asOf: number;
};

/** What a fetch found on a node. */
export type Fetched = Entry & { readonly source: 'replica' | 'primary' };

/** What a reader gets. A key that does not exist has no bytes, version 0 and `asOf` 0. */
export type Cached = {
  readonly bytes: Uint8Array | undefined;
  readonly version: number;
  readonly asOf: number;
  readonly source: Source;
};

/** What a reader asks of an answer beyond being one. */
export type Demand = {
  /** The least version; default any. An answer below it is handed out only when even the fetch brought nothing newer. */
  minVersion?: number;
  /** How old the answer may be, in milliseconds by its `asOf`; default any age. */
  maxStalenessMs?: number;
};

/** A demand on one key, in absolute terms; 0 asks nothing. */
export type Want = { readonly key: string; readonly minVersion: number; readonly notBefore: number };

export function satisfies(
  { version, asOf }: { version: number; asOf: number },
  { minVersion, notBefore }: Omit<Want, 'key'>,
): boolean {
  return version >= minVersion && asOf >= notBefore;
}
