import type { Watched } from './watched.ts';

/**
 * One open watch: a series of encoded answers that is pulled. It holds nothing that waits to be sent, only which version
 * was sent last.
 */
export type Watcher = AsyncIterableIterator<Uint8Array> & {
  /** The newest version that its reader has. */
  readonly sent: bigint;
  /** Whether its reader waits for an answer now. One that does not is slow: it has not taken the one before. */
  readonly waits: boolean;
  /** Sends this version. Only while the reader waits. */
  send(watched: Watched): void;
  /** Sends a heartbeat if the reader waits. */
  beat(): void;
  /** Ends the watch with this fault, now or when its reader asks next. */
  fail(fault: Error): void;
};

const END: IteratorResult<Uint8Array> = { done: true, value: undefined };

/**
 * Makes a watch.
 *
 * @param fromVersion the version that its reader already has
 * @param heartbeatMs the longest silence while the reader waits
 * @param onOpen called once, when the reader asks for the first time
 * @param next called each time the reader asks: what is newer than it has, if that is at hand
 * @param onLeave called once, when the reader leaves
 */
export function createWatcher({
  fromVersion,
  heartbeatMs,
  heartbeat,
  onOpen,
  next,
  onLeave,
}: {
  fromVersion: bigint;
  heartbeatMs: number;
  heartbeat: () => Uint8Array;
  onOpen: (watcher: Watcher) => void;
  next: (watcher: Watcher) => Watched | undefined;
  onLeave: (watcher: Watcher) => void;
}): Watcher {
  let sent = fromVersion;
  let state: 'new' | 'open' | 'over' = 'new';
  let fault: Error | undefined;
  let waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function answer(value: Uint8Array): void {
    const reader = waiting;
    waiting = undefined;
    timer?.refresh();
    reader?.resolve({ done: false, value });
  }
  function leave(): void {
    clearTimeout(timer);
    if (state === 'open') onLeave(watcher);
    state = 'over';
  }

  const watcher: Watcher = {
    get sent() {
      return sent;
    },
    get waits() {
      return waiting !== undefined;
    },
    send(watched) {
      sent = watched.version;
      answer(watched.bytes);
    },
    beat() {
      if (waiting) answer(heartbeat());
    },
    fail(reason) {
      leave();
      if (waiting) waiting.reject(reason);
      else fault = reason;
      waiting = undefined;
    },
    next() {
      if (fault) {
        const told = fault;
        fault = undefined;
        return Promise.reject(told);
      }
      if (state === 'over') return Promise.resolve(END);
      const newer = state === 'open' ? next(watcher) : undefined;
      if (newer) {
        sent = newer.version;
        timer?.refresh();
        return Promise.resolve({ done: false, value: newer.bytes });
      }
      waiting = Promise.withResolvers();
      const { promise } = waiting;
      if (state === 'new') {
        state = 'open';
        timer = setTimeout(() => {
          watcher.beat();
          // A slow reader is not woken; the time runs on for when it asks again.
          timer?.refresh();
        }, heartbeatMs);
        onOpen(watcher);
      }
      return promise;
    },
    return() {
      leave();
      waiting?.resolve(END);
      waiting = undefined;
      return Promise.resolve(END);
    },
    [Symbol.asyncIterator]: () => watcher,
  };
  return watcher;
}
