import { createBatches } from '@realmkeep/kit/batches';
import { resourceExhausted, unavailable } from '@realmkeep/kit/errors/common';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { Cluster } from 'ioredis';
import type { Event } from '../event.ts';
import { encodeEvent } from './entry.ts';
import { APPEND } from './scripts.ts';
import { shardOf, streamOf } from './shard.ts';

/** What must be true of an event before it is acknowledged. */
export type Durability = {
  /** So many replicas of the primary must have it. */
  replicas: number;
  /** Whether it must be on the disks of the primary and of those replicas. */
  fsync: boolean;
  /** Milliseconds that this may take. */
  waitMs: number;
};

/** Entries of one script: some milliseconds of a server's time. */
const BATCH = 500;
const RETRY_DELAY_MS = 1_000;

/** An event and whom to tell that it is stored, or why it may not be. */
type Waiting = { text: string; done: (fault?: Error) => void };

/**
 * Appends events to the streams. Each stream has one batch on its way, and what comes meanwhile gathers for the next, so
 * the wait for replicas is shared. The client is used by nothing else, for a connection that waits answers nobody.
 *
 * @param capacity entries that wait in a stream at most
 * @param appended told the shard after each batch
 * @param bound the most events that are accepted and not answered yet; at least as many as one call may have
 */
export function createAppends({
  redis,
  shards,
  capacity,
  durability,
  appended,
  logger,
  bound = 50_000,
}: {
  redis: Cluster;
  shards: number;
  capacity: number;
  durability: Durability;
  appended: (shard: number) => void;
  logger: Pick<Logger, 'warn'>;
  bound?: number;
}) {
  let failing = false;
  let unanswered = 0;

  async function send(shard: number, texts: string[]) {
    const { replicas, fsync, waitMs } = durability;
    // Sent together over one connection: the wait is for what that connection wrote, and says nothing on another one.
    const pipeline = redis.pipeline().eval(APPEND, 1, streamOf(shard), capacity, ...texts);
    if (fsync) pipeline.call('WAITAOF', '1', String(replicas), String(waitMs));
    else if (replicas > 0) pipeline.wait(replicas, waitMs);
    return (await pipeline.exec())!.map(([fault, answer]) => ({ fault, answer }));
  }

  /** Answers how many of them, the first ones, are stored: the others found no room. */
  async function store(shard: number, texts: string[]): Promise<number> {
    // A client that knows no cluster yet would wait for one. What is known and away fails by itself.
    if (redis.status !== 'ready') throw unavailable('the event queue can not be reached', RETRY_DELAY_MS);
    let [append, wait] = await send(shard, texts);
    if (append!.fault?.message.startsWith('MOVED')) {
      // A command by itself follows the redirection, and the client learns of the new owner.
      await redis.xlen(streamOf(shard));
      [append, wait] = await send(shard, texts);
    }
    if (append!.fault) throw append!.fault;
    const stored = append!.answer as number;
    if (stored === 0) return 0;
    if (wait?.fault) throw wait.fault;
    if (wait && !isDurable(wait.answer)) {
      throw unavailable('too few copies of the event were confirmed in time', RETRY_DELAY_MS);
    }
    return stored;
  }

  function isDurable(answer: unknown): boolean {
    const { replicas, fsync } = durability;
    if (!fsync) return Number(answer) >= replicas;
    const [local, copies] = answer as number[];
    return local! >= 1 && copies! >= replicas;
  }

  async function run(shard: number, batch: Waiting[]): Promise<void> {
    let left = batch;
    try {
      const stored = await store(
        shard,
        batch.map(({ text }) => text),
      );
      if (stored > 0) appended(shard);
      for (const { done } of batch.slice(0, stored)) done();
      left = batch.slice(stored);
      if (left.length > 0) throw resourceExhausted('the event queue is full', RETRY_DELAY_MS);
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error, shard }, 'events can not be queued');
      failing = true;
      const fault = faultOf(error);
      // What waits for this stream would meet the same server one batch after the other. Nothing of it was sent.
      if (fault.reason === 'UNAVAILABLE') left = [...left, ...batches[shard]!.takeWaiting()];
      for (const { done } of left) done(fault);
    }
  }

  const batches = Array.from({ length: shards }, (_, shard) =>
    createBatches<Waiting>({ run: (batch) => run(shard, batch), size: BATCH, most: 1 }),
  );

  /**
   * Stores the events; resolves once all are as durable as was set. Throws RESOURCE_EXHAUSTED when a stream is full, or at
   * once when too many events wait, and UNAVAILABLE when a server is away or too few copies were confirmed, for all that
   * waits for that stream; then some of them may be queued, and to append them again is harmless.
   */
  return async function append(events: Event[]): Promise<void> {
    if (events.length === 0) return;
    if (unanswered > 0 && unanswered + events.length > bound) {
      throw resourceExhausted(`${unanswered} events wait to be queued`, RETRY_DELAY_MS);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let left = events.length;
    unanswered += events.length;
    const done = (fault?: Error) => {
      unanswered -= 1;
      left -= 1;
      if (fault) reject(fault);
      else if (left === 0) resolve();
    };
    const parts = Map.groupBy(events, ({ userId }) => shardOf(userId, shards));
    for (const [shard, part] of parts) {
      batches[shard]!.add(part.map((event) => ({ text: encodeEvent(event), done })));
    }
    await promise;
  };
}

function faultOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof Error && /\bOOM\b/.test(error.message)) {
    return resourceExhausted('the event queue has no memory left', RETRY_DELAY_MS);
  }
  return unavailable('the event queue can not be reached', RETRY_DELAY_MS);
}
