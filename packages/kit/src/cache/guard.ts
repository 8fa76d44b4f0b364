import { type Circuit, createCircuit } from './circuit.ts';
import type { Counts } from './counts.ts';

/** What is known of Redis when it does not do its work. */
export const AWAY = Symbol('away');

/** Runs work on a node of Redis; it waits for `waitMs` (while this process itself is
 * late, for up to six times that), never throws, and leaves out nodes that failed just before. */
export type Guard = <T>(node: string, work: () => Promise<T>) => Promise<T | typeof AWAY>;

/** So many failures in a row, and a node is left alone for so many milliseconds. */
const FAILURES = 3;
const OPEN_MS = 1_000;

export function createGuard({ waitMs, counts }: { waitMs: number; counts: Counts }): Guard {
  const circuits = new Map<string, Circuit>();

  function circuitOf(node: string): Circuit {
    let circuit = circuits.get(node);
    if (!circuit) {
      circuit = createCircuit({ failures: FAILURES, openMs: OPEN_MS });
      circuits.set(node, circuit);
    }
    return circuit;
  }

  return async (node, work) => {
    const circuit = circuitOf(node);
    if (!circuit.admits()) {
      counts.l2Skipped += 1;
      return AWAY;
    }
    const since = performance.now();
    try {
      const done = await within(waitMs, work());
      circuit.succeeded();
      return done;
    } catch (error) {
      counts.l2Errors += 1;
      // A server without memory still answers reads.
      if (isFull(error)) circuit.succeeded();
      else circuit.failed(since);
      return AWAY;
    }
  };
}

export function isFull(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message);
}

/** How often a wait is lengthened because this process itself was late. */
const MOST_LATE = 5;
const LATE_MS = 10;

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let late = 0;
    const wait = () => {
      const due = performance.now() + ms;
      timer = setTimeout(() => {
        // In a busy process the answer may have come long ago and not be read yet: that is no fault of Redis.
        if (performance.now() > due + LATE_MS && late < MOST_LATE) {
          late += 1;
          wait();
        } else {
          reject(new Error(`Redis did not answer within ${ms} ms`));
        }
      }, ms);
    };
    wait();
    void work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
