import type { Watched } from './watched.ts';
import type { Watcher } from './watcher.ts';

/** One key that is watched, however many watch it. */
export type Topic = {
  /** The newest version that was read; undefined: none yet. */
  readonly version: bigint | undefined;
  /** The newest version that is known to exist. */
  readonly floor: bigint;
  /** The latest time, in epoch milliseconds, at which `version` was the newest; undefined: not known yet. */
  readonly asOf: number | undefined;
  readonly size: number;
  join(watcher: Watcher): void;
  /** Forgets a watcher that has left. */
  leave(watcher: Watcher): void;
  /** What a watcher that was too slow has missed: the newest version, if it has not been sent it. */
  missed(watcher: Watcher): Watched | undefined;
  /** Learns that this version exists; answers whether it is newer than what was read. */
  expect(version: bigint): boolean;
  /** Learns that nothing newer than `version` existed at that time. */
  confirm(asOf: number): void;
  /** Those who have come since the last call: none of them is answered with what was read before it came. */
  arrivals(): Watcher[];
  /**
   * Sends what was read to everybody who has less, and a heartbeat to the arrivals that have it already. Answers false
   * when it is below a version that is known to exist: then nobody is sent anything.
   */
  publish(watched: Watched, arrivals: readonly Watcher[]): boolean;
};

/** Makes a topic without watchers. */
export function createTopic(): Topic {
  const watchers = new Set<Watcher>();
  const joining = new Set<Watcher>();
  const behind = new Set<Watcher>();
  // Held only while somebody is behind, so that a quiet key costs no more than its numbers.
  let latest: Watched | undefined;
  let version: bigint | undefined;
  let floor = 0n;
  let asOf: number | undefined;

  function notBehind(watcher: Watcher): void {
    behind.delete(watcher);
    if (behind.size === 0) latest = undefined;
  }

  return {
    get version() {
      return version;
    },
    get floor() {
      return floor;
    },
    get asOf() {
      return asOf;
    },
    get size() {
      return watchers.size + joining.size;
    },
    join(watcher) {
      joining.add(watcher);
    },
    leave(watcher) {
      joining.delete(watcher);
      watchers.delete(watcher);
      notBehind(watcher);
    },
    missed(watcher) {
      const missed = behind.has(watcher) ? latest : undefined;
      notBehind(watcher);
      return missed;
    },
    expect(known) {
      if (known > floor) floor = known;
      return version !== undefined && floor > version;
    },
    confirm(time) {
      if (asOf === undefined || time > asOf) asOf = time;
    },
    arrivals() {
      const arrived = [...joining];
      for (const watcher of arrived) watchers.add(watcher);
      joining.clear();
      return arrived;
    },
    publish(watched, arrivals) {
      if (watched.version < floor) return false;
      const newer = version === undefined || watched.version > version;
      version = watched.version;
      floor = watched.version;
      asOf = newer || asOf === undefined ? watched.asOf : Math.max(asOf, watched.asOf);
      for (const watcher of newer ? watchers : arrivals) {
        if (watched.version <= watcher.sent || !watchers.has(watcher)) continue;
        if (watcher.waits) {
          watcher.send(watched);
        } else {
          behind.add(watcher);
          latest = watched;
        }
      }
      for (const watcher of arrivals) watcher.beat();
      return true;
    },
  };
}
