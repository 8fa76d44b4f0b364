/** One version of what a key stands for, as it is sent. */
export type Watched = {
  readonly version: bigint;
  /** The encoded answer, shared by all who watch the key: never changed. */
  readonly bytes: Uint8Array;
  /** When this was the newest version, in epoch milliseconds. */
  readonly asOf: number;
};
