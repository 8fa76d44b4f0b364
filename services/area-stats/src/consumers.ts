import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { Event } from './event.ts';
import type { Entry } from './event-queue/entry.ts';
import type { EventQueue } from './event-queue/queue.ts';
import { recordApart } from './event-queue/recording.ts';
import type { EventQueueMetrics } from './event-queue-metrics.ts';
import type { Outcome } from './outcome.ts';
import { type ParkedEvent, parkedAsBroken, parkedAsInvalid, parkedAsRefused } from './parked-event.ts';
import { isDataRefused } from './repository.ts';

/** Entries that a shard's consumer works on at once. */
const BATCH = 500;
/** How soon entries are found that another process appended and did not live to record. */
const POLL_MS = 100;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** An event that fails this often, while others that were read with it are recorded, is itself to blame. */
const MOST_FAILURES = 3;

export type ConsumersOptions = {
  queue: Omit<EventQueue, 'append' | 'lag' | 'close'>;
  /** Answers after the commit, so that an entry leaves the queue only then. */
  record: (events: Event[]) => Promise<Outcome[]>;
  park: (parked: ParkedEvent[]) => Promise<void>;
  metrics: EventQueueMetrics;
  /** An entry in work for so long without a sign of life of its consumer goes to another one. */
  reclaimMs: number;
  logger: Pick<Logger, 'error' | 'warn'>;
};

/**
 * Records what is queued, one consumer for each shard in each process of the service, also for shards that are there from
 * when there were more. An entry leaves the queue after its
 * commit, so it is recorded at least once, and its event's id makes that exactly once. While the database is away entries
 * wait; what it refuses for good is parked and holds nothing up.
 */
export function startConsumers(options: ConsumersOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const start = (shard: number) => consume(shard, options, stopping.signal);
  const running = Array.from({ length: options.queue.shards }, (_, shard) => start(shard));
  const draining = findLeft(options, stopping.signal).then((left) => Promise.all(left.map(start)));
  return {
    /** Resolves once what is in work is recorded, or left for others. */
    async stop() {
      stopping.abort();
      await Promise.all([...running, draining]);
    },
  };
}

/** The shards that are there from when there were more, once Redis can be asked; none when the signal is aborted before. */
async function findLeft({ queue, logger }: ConsumersOptions, signal: AbortSignal): Promise<number[]> {
  let failing = false;
  while (!signal.aborted) {
    try {
      if (queue.ready()) {
        const left = await queue.findLeft();
        if (left.length > 0) logger.warn({ left }, 'the queue had more shards before: those are drained too');
        return left;
      }
    } catch (err) {
      if (!failing) logger.warn({ err }, 'the shards of the queue can not be asked for');
      failing = true;
    }
    await delay(LONGEST_DELAY_MS / 5, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return [];
}

async function consume(shard: number, options: ConsumersOptions, signal: AbortSignal): Promise<void> {
  const { queue, metrics, reclaimMs, logger } = options;
  const failures = new Map<string, number>();
  // Whether entries may be in work here that the last round did not settle.
  let unsettled = false;
  let retryDelay = FIRST_DELAY_MS;
  let reclaimAt = 0;

  async function reclaim(): Promise<void> {
    const claimed = await queue.reclaim(shard, reclaimMs, BATCH);
    reclaimAt = performance.now() + reclaimMs / 2;
    if (claimed === 0) return;
    metrics.reclaimed(claimed);
    unsettled = true;
  }

  async function read(): Promise<Entry[]> {
    const again = unsettled ? await queue.readAgain(shard, BATCH) : [];
    const fresh = again.length < BATCH ? await queue.read(shard, BATCH - again.length) : [];
    return [...again, ...fresh];
  }

  async function round(): Promise<void> {
    if (!queue.ready()) return queue.arrival(shard, POLL_MS, signal);
    if (performance.now() >= reclaimAt) await reclaim();
    const entries = await read();
    unsettled = entries.length > 0;
    if (!unsettled) {
      failures.clear();
      retryDelay = FIRST_DELAY_MS;
      return queue.arrival(shard, POLL_MS, signal);
    }
    const { settled, parked, failed } = await recordEntries(entries, failures, options.record);
    if (parked.length > 0) {
      await options.park(parked);
      logger.error(
        { parked: parked.map(({ entry, reason }) => ({ entry, reason })) },
        'queued events could not be recorded: they are parked',
      );
    }
    await queue.settle(shard, settled);
    metrics.settled(settled.length - parked.length, parked.length);
    // What is left of a full batch is only known by reading it again.
    unsettled = failed !== undefined || entries.length === BATCH;
    if (settled.length > 0) retryDelay = FIRST_DELAY_MS;
    if (failed !== undefined) throw failed;
  }

  while (!signal.aborted) {
    try {
      await round();
    } catch (err) {
      unsettled = true;
      metrics.failed();
      // The first failure of several in a row tells; the metrics count them.
      if (retryDelay === FIRST_DELAY_MS) logger.warn({ err, shard }, 'consuming queued events broke off');
      await delay(retryDelay, undefined, { signal, ref: false }).catch(() => undefined);
      retryDelay = Math.min(retryDelay * 2, LONGEST_DELAY_MS);
    }
  }
  await queue.leave(shard).catch((err: unknown) => logger.warn({ err, shard }, 'a consumer could not be removed'));
}

/**
 * Records the events of the entries, and tells which entries have been dealt with and which of those to park. `failed` is
 * why the others were not.
 */
async function recordEntries(
  entries: Entry[],
  failures: Map<string, number>,
  record: ConsumersOptions['record'],
): Promise<{ settled: Entry[]; parked: ParkedEvent[]; failed: unknown }> {
  const settled: Entry[] = [];
  const parked: ParkedEvent[] = [];
  let failed: unknown;
  const whole: (Entry & { event: Event })[] = [];
  for (const entry of entries) {
    if (entry.event) {
      whole.push(entry as Entry & { event: Event });
      continue;
    }
    settled.push(entry);
    // Without a text it was deleted meanwhile: somebody else has dealt with it.
    if (entry.text !== '') parked.push(parkedAsInvalid(entry));
  }
  const recorded =
    whole.length === 0
      ? []
      : await recordApart(
          whole.map(({ event }) => event),
          record,
        );
  const someRecorded = recorded.some(({ outcome }) => outcome !== undefined);
  for (const [index, { outcome, fault }] of recorded.entries()) {
    const entry = whole[index]!;
    if (outcome) {
      if (outcome.result === 'REFUSED') parked.push(parkedAsRefused(entry, outcome));
    } else {
      const times = (failures.get(entry.id) ?? 0) + (someRecorded ? 1 : 0);
      if (!isDataRefused(fault) && times < MOST_FAILURES) {
        failures.set(entry.id, times);
        failed = fault;
        continue;
      }
      parked.push(parkedAsBroken(entry, fault));
    }
    failures.delete(entry.id);
    settled.push(entry);
  }
  return { settled, parked, failed };
}
