import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Reader } from './reader.ts';
import type { WalPosition } from './wal-position.ts';

export type { Reader, Statement } from './reader.ts';
export type { WalPosition } from './wal-position.ts';

export type ReadOptions = {
  /** Only the primary will do. Default false. */
  primary?: boolean;
  /** The node must have replayed at least this; the primary answers when the chosen replica has not. */
  minWal?: WalPosition | undefined;
};

export type PostgresNodes = {
  /**
   * Runs the work on the least busy replica within the lag limit, else on the primary. The work may run again on another
   * node when its connection is lost, so it must only read. Throws UNAVAILABLE when no node is found in time.
   */
  read<T>(work: (node: Reader) => Promise<T>, options?: ReadOptions): Promise<T>;
  /**
   * Runs the work on the primary. A lost connection or a demoted primary makes it look for the new one, and run the work
   * there if nothing of it can have been done yet. `idempotent`: the work may run again even so; then UNAVAILABLE is safe
   * to answer. Without it a connection lost after sending is UNAVAILABLE too, and whether the work was done is unknown:
   * pass `idempotent` unless the caller's own retry is harmless.
   */
  write<T>(work: (primary: Reader) => Promise<T>, options?: { idempotent?: boolean }): Promise<T>;
  /** Whether some node can be read, and whether a primary is known, by the latest measurement. */
  state(): { readable: boolean; writable: boolean };
  /** Resolves once the first measurement of every node is done, whatever it found. */
  measured(): Promise<void>;
  /** Ends every connection, after the work in progress. */
  close(): Promise<void>;
};

export type PostgresNodesOptions = {
  /** The application's name on the server. */
  name: string;
  /** Connection URLs of every node, in any order: roles are measured. */
  urls: string[];
  /** Connections a node at most; default 10. */
  poolSize?: number;
  /** How old a replica's data may be, in milliseconds; default 5,000. */
  maxReplicaLagMs?: number;
  /** How long a work waits for a node that can run it, in milliseconds; default 10,000. */
  failoverWaitMs?: number;
  logger: Logger;
  meter: Meter;
};

/** Opens the nodes of one database. Connects in the background and never fails by itself. */
export function createPostgresNodes(_options: PostgresNodesOptions): PostgresNodes {
  throw new Error('the Postgres nodes are being built');
}
