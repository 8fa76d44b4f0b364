import { createBatches } from '@realmkeep/kit/batches';
import { resourceExhausted, unavailable } from '@realmkeep/kit/errors/common';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { Event } from './event.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { isDataRefused, isPartitionMissing, type Repository, type TimeLimits } from './repository.ts';

/** Records events of whoever calls, many callers' in one statement. */
export type Recorder = ReturnType<typeof createRecorder>;

type Call = { events: Event[]; resolve: (outcomes: Outcome[]) => void; reject: (reason: unknown) => void };

/** Events that gather for one statement. A call is never divided, so one with more is a statement by itself. */
const BATCH = 4_000;
/** Statements in work at once. Few: they wait for each other where they meet, and what waits here is one statement later. */
const STATEMENTS = 3;
const RETRY_AFTER_MS = 500;

/**
 * Makes the group commit of this process: a call that finds a statement free goes at once, and what comes while all are in
 * work gathers for the next. So an idle process adds no delay, and a busy one makes few and large statements.
 *
 * @param bound the most events that are accepted and not answered yet; at least as many as one call may have
 */
export function createRecorder({
  repository,
  limits,
  logger,
  bound = 50_000,
}: {
  repository: Pick<Repository, 'recordEvents'>;
  limits: TimeLimits;
  logger: Pick<Logger, 'error'>;
  bound?: number;
}) {
  let unanswered = 0;
  const patient: (() => void)[] = [];
  const batches = createBatches<Call>({
    run,
    size: BATCH,
    most: STATEMENTS,
    weigh: ({ events }) => events.length,
  });

  async function run(calls: Call[]): Promise<void> {
    try {
      const codes = await repository.recordEvents(
        calls.flatMap(({ events }) => events),
        limits,
      );
      let next = 0;
      for (const { events, resolve } of calls) resolve(events.map(() => outcomeOf(codes[next++], limits)));
    } catch (error) {
      // Whose event it was is found out by trying each call alone: one caller's event never fails another's.
      if (calls.length > 1 && isDataRefused(error)) for (const call of calls) await run([call]);
      else for (const { reject } of calls) reject(told(error));
    }
  }

  function told(error: unknown): unknown {
    if (!isPartitionMissing(error)) return error;
    logger.error({ err: error }, 'the event log has no partition for today, and none could be made');
    return unavailable('the event log is not ready for today', 5_000);
  }

  async function add(events: Event[]): Promise<Outcome[]> {
    unanswered += events.length;
    try {
      return await new Promise((resolve, reject) => batches.add([{ events, resolve, reject }]));
    } finally {
      unanswered -= events.length;
      for (const wake of patient.splice(0)) wake();
    }
  }

  const isFull = (events: Event[]) => unanswered > 0 && unanswered + events.length > bound;

  return {
    /**
     * Records events in one transaction and resolves after its commit: an outcome for each, in the order given.
     *
     * @throws RESOURCE_EXHAUSTED at once when too many events wait; UNAVAILABLE when it is not known what became of them,
     *   or nothing did: recorded again they are duplicates, or recorded then
     */
    async record(events: Event[]): Promise<Outcome[]> {
      if (events.length === 0) return [];
      if (isFull(events)) throw resourceExhausted(`${unanswered} events wait to be recorded`, RETRY_AFTER_MS);
      return add(events);
    },

    /** The same for a caller that can wait: where `record` would throw RESOURCE_EXHAUSTED it waits for room. */
    async recordPatiently(events: Event[], signal?: AbortSignal): Promise<Outcome[]> {
      if (events.length === 0) return [];
      while (isFull(events)) {
        await new Promise<void>((resolve) => patient.push(resolve));
        signal?.throwIfAborted();
      }
      return add(events);
    },
  };
}
