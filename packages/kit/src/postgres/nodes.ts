import { setTimeout as delay } from 'node:timers/promises';
import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { resourceExhausted, unavailable } from '../errors/common.ts';
import { RpcError } from '../errors/rpc-error.ts';
import type { Lookup } from './connection.ts';
import {
  isConflict,
  isConnectionLost,
  isPoolBusy,
  isReadOnlyNode,
  isRecoveryConflict,
  isServerFull,
  isServerShort,
  isTooSlow,
} from './errors.ts';
import { observeNodes } from './metrics.ts';
import { createNodeSet, type WatchedNode } from './node-set.ts';
import { ageOf, type Measurement } from './probe.ts';
import { createReader, type Reader } from './reader.ts';
import { type WalPosition, walReachedStatement } from './wal-position.ts';

export type { Reader } from './reader.ts';
export type { Statement } from './statement.ts';
export type { WalPosition } from './wal-position.ts';

export type ReadOptions = {
  /** Only the primary will do. Default false. */
  primary?: boolean;
  /** The node must have replayed at least this; the primary answers when the chosen replica has not. */
  minWal?: WalPosition | undefined;
  /**
   * The data must be no older than this when the node is chosen, in milliseconds; 0: only the primary will do. It is
   * judged on the node's heartbeat as last measured, so a bound below about two measurements mostly means the primary.
   * While no node is known to be young enough the read waits for one, and ends UNAVAILABLE. Default: any age.
   */
  maxStalenessMs?: number | undefined;
};

export type PostgresNodes = {
  /**
   * Runs the work on the least busy replica within the lag limit, else on the primary. The work may run again on another
   * node when its connection is lost, so it must only read. Throws UNAVAILABLE when no node is found in time or the server
   * gives the work up, and RESOURCE_EXHAUSTED when no connection gets free in time.
   */
  read<T>(work: (node: Reader) => Promise<T>, options?: ReadOptions): Promise<T>;
  /**
   * Runs the work on the primary. A lost connection or a demoted primary makes it look for the new one, and run the work
   * there if nothing of it can have been done yet. `idempotent`: the work may run again even so; then UNAVAILABLE is safe
   * to answer. Without it a connection lost after sending is UNAVAILABLE too, and whether the work was done is unknown:
   * pass `idempotent` unless the caller's own retry is harmless. What the server gives up, because it met other work,
   * took longer than a statement, a transaction or a lock may, or found no disk or memory, is UNAVAILABLE, with the
   * server's error as its cause: nothing of that statement or transaction was done.
   */
  write<T>(work: (primary: Reader) => Promise<T>, options?: { idempotent?: boolean }): Promise<T>;
  /** Whether some node can be read, and whether a primary is known, by the latest measurement. */
  state(): { readable: boolean; writable: boolean };
  /** Resolves once the first look at every node is over, whatever it saw. */
  measured(): Promise<void>;
  /** Ends every connection, after the work in progress. */
  close(): Promise<void>;
};

export type PostgresNodesOptions = {
  /** The application's name on the server. */
  name: string;
  /** Connection URLs of every node, in any order: roles are measured. */
  urls: string[];
  /**
   * Whether a host in `urls` stands for as many nodes as it has addresses, as a headless Service does: it is asked every
   * two seconds, and nodes come and go. One that is not named any more is let go once it does not answer, and after 10 s
   * anyway; its works in progress have 5 s to finish. Default false.
   */
  headless?: boolean;
  /** How a host's addresses are found; default: by the system. */
  lookup?: Lookup;
  /** Connections a node at most; default 10. */
  poolSize?: number;
  /** How old a replica's data may be, in milliseconds; default 5,000. */
  maxReplicaLagMs?: number;
  /** How long a work waits for a node that can run it, in milliseconds; default 10,000. */
  failoverWaitMs?: number;
  /**
   * How long a work waits for a free connection, and opening one may take, in milliseconds; default 10,000: what is
   * admitted may queue behind one hot row for seconds, and is refused by its rules rather than for want of a connection.
   */
  connectionWaitMs?: number;
  /** When the server cancels a statement, in milliseconds; default 10,000. */
  statementTimeoutMs?: number;
  /** Time between two measurements of a node, in milliseconds; default 1,000. */
  measureEveryMs?: number;
  /** When a measurement without an answer fails, in milliseconds; default 3,000. The second one cuts every connection. */
  measureTimeoutMs?: number;
  logger: Pick<Logger, 'info' | 'warn'>;
  meter: Meter;
};

/** A work that breaks its connection this often is not sent again: the fault is likely its own. */
const MOST_BROKEN = 3;
/** What an UNAVAILABLE or RESOURCE_EXHAUSTED of this file tells the caller to wait, in milliseconds. */
const RETRY_DELAY = 1_000;
/** Milliseconds before a work is tried again, from the second time on. */
const AGAIN_AFTER = 50;

/** Why a server gives a work up of which it has done nothing, as the caller is told. */
const REASONS: [is: (error: unknown) => boolean, message: string][] = [
  [isConflict, 'the work met too many others'],
  [isTooSlow, 'the database took too long'],
  [isServerShort, 'the database has run out of disk, memory or another resource'],
];

const BEHIND = Symbol('the replica has not come as far as was asked');

/** Opens the nodes of one database. Connects in the background and never fails by itself. */
export function createPostgresNodes(options: PostgresNodesOptions): PostgresNodes {
  const { failoverWaitMs = 10_000, logger, meter } = options;
  const nodes = createNodeSet({
    headless: false,
    poolSize: 10,
    maxReplicaLagMs: 5_000,
    connectionWaitMs: 10_000,
    statementTimeoutMs: 10_000,
    measureEveryMs: 1_000,
    measureTimeoutMs: 3_000,
    ...options,
  });
  const metrics = observeNodes(meter, nodes.all);

  /** Runs the work on nodes of the choice until one does it. `again`: whether it may run again after this error. */
  async function run<T>(
    choice: () => WatchedNode | undefined,
    work: (reader: Reader) => Promise<T>,
    again: (error: unknown, sendings: number) => boolean,
  ): Promise<T> {
    let deadline = performance.now() + failoverWaitMs;
    let broken = 0;
    for (let tries = 0; ; tries += 1) {
      if (tries > 1) await delay(AGAIN_AFTER);
      const chosen = choice() ?? (await nodes.waitFor(choice, deadline));
      if (!chosen) throw unavailable('the database can not be reached', RETRY_DELAY);
      const source = chosen.known?.role ?? 'primary';
      let sendings = 0;
      chosen.busy += 1;
      try {
        return await work(
          createReader(chosen.node, { source, asOf: knownAsOf(chosen.known) }, (things) => {
            sendings += things;
          }),
        );
      } catch (error) {
        if (isPoolBusy(error)) throw resourceExhausted('every connection to the database is busy', RETRY_DELAY);
        if (!isNodeFault(error, source)) throw givenUp(error, chosen.node.name) ?? error;
        logger.warn({ node: chosen.node.name, reason: String(error) }, 'a Postgres node did not do its work');
        if (isConnectionLost(error) || isReadOnlyNode(error)) chosen.node.evict();
        chosen.monitor.doubt();
        if (sendings > 0 && isConnectionLost(error)) {
          broken += 1;
          // The bound is for waiting, not for the work, which may have run for long.
          deadline = performance.now() + failoverWaitMs;
        }
        if (!again(error, sendings) || broken >= MOST_BROKEN || performance.now() >= deadline) {
          throw unavailable('the connection to the database was lost', RETRY_DELAY);
        }
      } finally {
        chosen.busy -= 1;
      }
    }
  }

  /** What is told of an error that says that nothing was done, so that the same work again is right; undefined for others. */
  function givenUp(error: unknown, node: string): RpcError | undefined {
    if (error instanceof RpcError) return undefined;
    const message = REASONS.find(([is]) => is(error))?.[1];
    if (message === undefined) return undefined;
    logger.warn({ node, reason: String(error) }, 'a Postgres node gave a work up');
    return unavailable(message, RETRY_DELAY, error);
  }

  const countedRead = <T>(choice: () => WatchedNode | undefined, work: (reader: Reader) => Promise<T>) =>
    run(
      choice,
      (reader) => {
        metrics.read(reader.source);
        return work(reader);
      },
      () => true,
    );

  return {
    read: async (work, { primary = false, minWal, maxStalenessMs } = {}) => {
      if (primary) return countedRead(nodes.primary, work);
      const choice = () => nodes.forRead(maxStalenessMs);
      if (!minWal) return countedRead(choice, work);
      const answer = await run(
        choice,
        async (reader) => {
          if (reader.source === 'replica' && !(await hasReached(reader, minWal))) return BEHIND;
          metrics.read(reader.source);
          return work(reader);
        },
        () => true,
      );
      return answer === BEHIND ? countedRead(nodes.primary, work) : answer;
    },
    write: (work, { idempotent = false } = {}) =>
      run(
        nodes.primary,
        work,
        // A refusal to write is sure to have done nothing when it answers the first thing that was sent.
        (error, sendings) => idempotent || sendings === 0 || (sendings === 1 && isReadOnlyNode(error)),
      ),
    state: () => ({ readable: nodes.forRead() !== undefined, writable: nodes.primary() !== undefined }),
    measured: nodes.measured,
    close: async () => {
      metrics.close();
      await nodes.close();
    },
  };
}

/** The time that a node's data are no older than; undefined when that is not known. */
function knownAsOf(known: Measurement | undefined): Date | undefined {
  if (!known || known.lagMs === Number.POSITIVE_INFINITY) return undefined;
  return new Date(Date.now() - (known.role === 'primary' ? 0 : ageOf(known, performance.now())));
}

/** Whether the error is the node's and not the work's, so that the same work can succeed elsewhere. */
function isNodeFault(error: unknown, source: Reader['source']): boolean {
  if (isConnectionLost(error) || isServerFull(error)) return true;
  return source === 'primary' ? isReadOnlyNode(error) : isRecoveryConflict(error);
}

async function hasReached(reader: Reader, position: WalPosition): Promise<boolean> {
  const { rows } = await reader.query<{ reached: boolean }>(walReachedStatement(position));
  return rows[0]?.reached ?? false;
}
