import type {
  RecordEventRequest,
  StreamEventsRequest,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { recordValid } from '../event-batch.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { Recorder } from '../recorder.ts';

/** What became of a stream's events: how many, and the first of those refused. */
export type Tally = {
  recorded: number;
  duplicate: number;
  refused: number;
  refusals: { eventId: string; outcome: Refused }[];
};

/** Events of one stream that are read and not yet recorded, at most, but for those of one more message. */
const MOST_UNRECORDED = 2_000;
const MOST_REFUSALS = 100;

export type EventStream = ReturnType<typeof createEventStream>;

/** How a stream of events is recorded. */
export function createEventStream({ recorder }: { recorder: Pick<Recorder, 'recordPatiently'> }) {
  /**
   * Records what the stream brings, in its order: what arrives while events are being recorded goes together next, and
   * reading stops while too much waits. Answers once all is recorded; throws as soon as something can not be.
   */
  return async function recordStream(
    requests: AsyncIterable<StreamEventsRequest>,
    signal: AbortSignal,
  ): Promise<Tally> {
    const tally: Tally = { recorded: 0, duplicate: 0, refused: 0, refusals: [] };
    const failing = Promise.withResolvers<never>();
    let waiting: RecordEventRequest[] = [];
    let recording: Promise<void> | undefined;

    async function recordWaiting(): Promise<void> {
      while (waiting.length > 0 && !signal.aborted) {
        const events = waiting;
        waiting = [];
        const outcomes = await recordValid(events, (valid) => recorder.recordPatiently(valid, signal));
        for (const [index, outcome] of outcomes.entries()) count(tally, events[index]!.eventId, outcome);
      }
      recording = undefined;
    }

    async function readAll(): Promise<Tally> {
      for await (const { events } of requests) {
        waiting.push(...events);
        if (!recording) {
          recording = recordWaiting();
          recording.catch(failing.reject);
        }
        if (waiting.length >= MOST_UNRECORDED) await recording;
      }
      await recording;
      return tally;
    }

    return Promise.race([readAll(), failing.promise]);
  };
}

function count(tally: Tally, eventId: string, outcome: Outcome): void {
  switch (outcome.result) {
    case 'RECORDED':
      tally.recorded += 1;
      return;
    case 'DUPLICATE':
      tally.duplicate += 1;
      return;
    case 'REFUSED':
      tally.refused += 1;
      if (tally.refusals.length < MOST_REFUSALS) tally.refusals.push({ eventId, outcome });
  }
}
