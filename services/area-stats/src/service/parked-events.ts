import type { PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { refuse } from '../errors.ts';
import { decodeEvent } from '../event-queue/entry.ts';
import { recordApart } from '../event-queue/recording.ts';
import { invalidEvent, type NotRecordable, notRecordable, type Outcome } from '../outcome.ts';
import type { Recorder } from '../recorder.ts';
import {
  deleteParkedEvents,
  findParkedEvents,
  type ParkedEventRow,
  readParkedEvents,
} from '../repository/parked-events.ts';
import { isDataRefused } from '../repository.ts';

export type ParkedEvents = ReturnType<typeof createParkedEvents>;

/** What became of a parked event that was recorded again. */
export type Replayed = { id: string; eventId: string; outcome: Outcome | NotRecordable };

const DEFAULT_PAGE_SIZE = 20;
const QUERY = 'parked-events';

/** What an operator does with parked events. All of it on the primary: it is rare, and replaying must not lag. */
export function createParkedEvents({
  postgres,
  recorder,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  recorder: Pick<Recorder, 'record'>;
  pageTokens: PageTokens;
}) {
  const discard = (ids: string[]) =>
    postgres.write((primary) => deleteParkedEvents(primary, ids), { idempotent: true });

  function cursorOf(token: string): string {
    if (token === '') return '0';
    const cursor = pageTokens.open(QUERY, token)?.cursor;
    if (typeof cursor !== 'string')
      throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
    return cursor;
  }

  return {
    /** A page in the order of parking; a size of 0 is the default. */
    async list(pageSize: number, pageToken: string): Promise<{ rows: ParkedEventRow[]; nextPageToken: string }> {
      const after = cursorOf(pageToken);
      const size = pageSize || DEFAULT_PAGE_SIZE;
      const found = await postgres.read((primary) => readParkedEvents(primary, after, size + 1), { primary: true });
      const rows = found.slice(0, size);
      const cursor = rows.at(-1)?.parked_event_id;
      return { rows, nextPageToken: found.length > size ? pageTokens.sign({ query: QUERY, cursor }) : '' };
    },

    /**
     * Records the events; those that are recorded, or were before, are parked no more. One that the database refuses
     * holds up none of the others. Throws what is no event's fault, after which any of them may have been recorded: then
     * they are duplicates the next time.
     */
    async replay(ids: string[]): Promise<Replayed[]> {
      const rows = await postgres.read((primary) => findParkedEvents(primary, ids), { primary: true });
      const events = rows.map(({ event, parked_at }) => decodeEvent(event, parked_at.toISOString()));
      const recorded = await recordApart(
        events.flatMap((event) => event ?? []),
        recorder.record,
      );
      const outcomes = recorded.map(({ outcome, fault }) => outcome ?? notRecordable(fault)).values();
      const replayed = rows.map(({ parked_event_id: id }, index): Replayed => {
        const event = events[index];
        return { id, eventId: event?.eventId ?? '', outcome: event ? outcomes.next().value! : NO_EVENT };
      });
      await discard(replayed.filter(({ outcome }) => outcome.result !== 'REFUSED').map(({ id }) => id));
      const blameless = recorded.find(({ outcome, fault }) => !outcome && !isDataRefused(fault));
      if (blameless) throw blameless.fault;
      return replayed;
    },

    /** Deletes the events; answers the ids of those that were parked. */
    discard,
  };
}

const NO_EVENT = invalidEvent([{ field: 'event', description: 'is no event' }]);
