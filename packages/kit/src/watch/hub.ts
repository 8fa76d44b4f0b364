import type { Meter } from '@opentelemetry/api';
import { unavailable } from '../errors/common.ts';
import type { Logger } from '../log/logger.ts';
import { startChecks } from './checks.ts';
import { createKeyBatches } from './key-batches.ts';
import { createTopic, type Topic } from './topic.ts';
import type { Watched } from './watched.ts';
import { createWatcher, type Watcher } from './watcher.ts';

const MOST_KEYS = 250;
const MOST_READS = 4;
const RETRY_AFTER_MS = 1_000;

/** What watches read from, and how they speak. */
export type WatchSource = {
  /**
   * Reads the newest versions of at most 250 keys, each at least at the version given with it where that can be read;
   * absent keys are left out, and a fault stands for a key that can not be read.
   */
  load(floors: ReadonlyMap<string, bigint>): Promise<ReadonlyMap<string, Watched | Error>>;
  /** Of these keys with the versions that were read, those of which there is a newer version; as of `asOf`. */
  newer(known: ReadonlyMap<string, bigint>): Promise<{ versions: ReadonlyMap<string, bigint>; asOf: number }>;
  /** The fault of a watch on a key that is not there. */
  absent(key: string): Error;
  /** An encoded answer that says: nothing is newer than what was sent, as of that time if it is known. */
  heartbeat(asOf: number | undefined): Uint8Array;
};

/** All watches of one kind in this process. */
export type WatchHub = {
  /**
   * Watches a key: encoded answers, the first as soon as the key is read, each of a newer version than the one before
   * and than `fromVersion`. A slow reader gets the newest version when it asks again, not those in between. A heartbeat
   * comes first when nothing is newer, and whenever nothing was sent for as long as the hub's setting. Ends by `return`;
   * throws `absent`, or UNAVAILABLE when the key can not be read or the hub is closed.
   */
  watch(key: string, fromVersion: bigint): AsyncIterableIterator<Uint8Array>;
  /** Has those who watch the key be told of a change at once, to this version if it is known. Costs nothing when nobody does. */
  changed(key: string, version?: bigint): void;
  /** How many watches are open, and of how many keys. */
  size(): { watches: number; keys: number };
  /** Ends every watch as UNAVAILABLE. */
  close(): Promise<void>;
};

/**
 * Makes a hub: however many watch a key, it is read once for all of them, and what is sent is shared.
 *
 * A change is heard of by `changed`. What is missed, because another process made it or the news was lost, is found by
 * asking for newer versions of all watched keys in one question each `checkEveryMs`: it is late, never lost.
 *
 * @param name of the metrics: `<name>.watch.open`, `<name>.watch.keys`, `<name>.watch.reads`
 */
export function createWatchHub({
  name,
  source,
  meter,
  logger,
  heartbeatMs = 15_000,
  checkEveryMs = 1_000,
}: {
  name: string;
  source: WatchSource;
  meter: Meter;
  logger: Pick<Logger, 'warn'>;
  heartbeatMs?: number;
  checkEveryMs?: number;
}): WatchHub {
  const topics = new Map<string, Topic>();
  const open = new Set<Watcher>();
  let closed = false;
  const reads = meter.createCounter(`${name}.watch.reads`, { description: 'Keys read for their watchers' });
  meter
    .createObservableGauge(`${name}.watch.open`, { description: 'Watches that are open' })
    .addCallback((result) => result.observe(open.size));
  meter
    .createObservableGauge(`${name}.watch.keys`, { description: 'Keys that are watched' })
    .addCallback((result) => result.observe(topics.size));

  async function read(keys: string[]): Promise<void> {
    const readings = keys.flatMap((key) => {
      const topic = topics.get(key);
      return topic ? [{ key, topic, floor: topic.floor, arrivals: topic.arrivals() }] : [];
    });
    if (readings.length === 0) return;
    reads.add(readings.length);
    try {
      const found = await source.load(new Map(readings.map(({ key, floor }) => [key, floor])));
      for (const { key, topic, floor, arrivals } of readings) {
        const watched = found.get(key);
        if (!watched || watched instanceof Error) {
          endAll(arrivals, watched ?? source.absent(key));
        } else if (topic.publish(watched, arrivals)) {
        } else if (topic.floor > floor) {
          // It changed while it was read.
          for (const watcher of arrivals) if (open.has(watcher)) topic.join(watcher);
          batches.want(key);
        } else {
          // Those who have a version already go on: the next check has it read again.
          endAll(arrivals, unavailable('the newest version can not be read', RETRY_AFTER_MS));
        }
      }
    } catch (fault) {
      logger.warn({ err: fault, keys: readings.length }, 'what is watched can not be read');
      for (const { arrivals } of readings) endAll(arrivals, fault as Error);
    }
  }
  const batches = createKeyBatches({ run: read, mostKeys: MOST_KEYS, mostAtOnce: MOST_READS });

  async function check(): Promise<void> {
    const known = new Map<string, bigint>();
    for (const [key, { version }] of topics) if (version !== undefined) known.set(key, version);
    if (known.size === 0) return;
    const answer = await source.newer(known).catch((err: unknown) => {
      logger.warn({ err, keys: known.size }, 'what is watched can not be checked for newer versions');
      return undefined;
    });
    for (const [key, version] of known) {
      const topic = topics.get(key);
      if (!topic) continue;
      const newest = answer?.versions.get(key);
      if (answer && newest === undefined && topic.version === version) topic.confirm(answer.asOf);
      if (topic.expect(newest ?? 0n)) batches.want(key);
    }
  }
  const checks = startChecks(check, checkEveryMs);

  function topicOf(key: string): Topic {
    const found = topics.get(key);
    if (found) return found;
    const made = createTopic();
    topics.set(key, made);
    return made;
  }

  return {
    watch(key, fromVersion) {
      let topic: Topic | undefined;
      return createWatcher({
        fromVersion,
        heartbeatMs,
        heartbeat: () => source.heartbeat(topic?.asOf),
        next: (watcher) => topic?.missed(watcher),
        onOpen(watcher) {
          if (closed) return watcher.fail(goingAway());
          topic = topicOf(key);
          topic.join(watcher);
          open.add(watcher);
          batches.want(key);
        },
        onLeave(watcher) {
          open.delete(watcher);
          topic?.leave(watcher);
          if (topic?.size === 0 && topics.get(key) === topic) topics.delete(key);
        },
      });
    },
    changed(key, version) {
      const topic = topics.get(key);
      if (!topic) return;
      if (version === undefined || topic.expect(version)) batches.want(key);
    },
    size: () => ({ watches: open.size, keys: topics.size }),
    async close() {
      closed = true;
      endAll([...open], goingAway());
      await checks.stop();
    },
  };
}

function goingAway(): Error {
  return unavailable('the server is going away: call again', 0);
}

function endAll(watchers: readonly Watcher[], fault: Error): void {
  for (const watcher of watchers) watcher.fail(fault);
}
