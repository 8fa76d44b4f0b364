import { describeExit } from '@realmkeep/testkit/parts/child';
import type { Part } from '@realmkeep/testkit/parts/part';

export type Supervisor = {
  /** Nothing is started again from here on. */
  close(): void;
};

export type SupervisorOptions = {
  parts: Part[];
  say: (line: string) => void;
  /** Milliseconds before the first attempt; each further one waits twice as long, up to `longest`. Default 500. */
  shortest?: number;
  /** Default 30,000. */
  longest?: number;
  /** A part that ran this long begins again with the shortest delay. Default 60,000. */
  steady?: number;
};

/** Starts parts again that die though nobody stopped them. */
export function supervise(options: SupervisorOptions): Supervisor {
  const { parts, say, shortest = 500, longest = 30_000, steady = 60_000 } = options;
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;

  for (const part of parts) {
    let delay = shortest;
    let startedAt = performance.now();

    const again = (why: string) => {
      if (closed) return;
      if (performance.now() - startedAt > steady) delay = shortest;
      say(`${part.name} ${why}: it is started again in ${delay / 1000} s`);
      const timer = setTimeout(() => {
        timers.delete(timer);
        startedAt = performance.now();
        part.start().then(
          () => !closed && say(`${part.name} runs again`),
          (error: Error) => again(`could not be started (${error.message})`),
        );
      }, delay);
      timers.add(timer);
      delay = Math.min(delay * 2, longest);
    };

    part.onDeath((exit) => again(`died (${describeExit(exit)})`));
  }

  return {
    close: () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
