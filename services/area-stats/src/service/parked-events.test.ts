import { randomUUID } from 'node:crypto';
import { unavailable } from '@realmkeep/kit/errors/common';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.ts';
import { eventIn, quiet } from '../../test/valkey.ts';
import type { Event } from '../event.ts';
import { encodeEvent } from '../event-queue/entry.ts';
import type { Outcome } from '../outcome.ts';
import { createRecorder } from '../recorder.ts';
import { parkEvents } from '../repository/parked-events.ts';
import { createRepository } from '../repository.ts';
import { createParkedEvents } from './parked-events.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(() => database.asOwner('truncate parked_events'));
afterAll(() => database.close());

const recorder = () => createRecorder({ repository: createRepository(database), limits: LIMITS, logger: quiet });

function open(record: (events: Event[]) => Promise<Outcome[]> = recorder().record) {
  const pageTokens = createPageTokens({ key: 'ab'.repeat(32) });
  return createParkedEvents({ postgres: database.postgres, recorder: { record }, pageTokens });
}

/** Parks the events; answers their ids in that order. */
async function park(events: Event[]): Promise<string[]> {
  const now = new Date().toISOString();
  const parked = events.map((event) => ({
    entry: randomUUID(),
    event: encodeEvent({ ...event, eventTime: event.eventTime ?? now }),
    reason: 'NOT_RECORDABLE' as const,
    message: '',
  }));
  await database.postgres.write((primary) => parkEvents(primary, parked));
  const rows = await database.rows<{ parked_event_id: string }>(
    'select parked_event_id from parked_events order by array_position($1::text[], entry)',
    [parked.map(({ entry }) => entry)],
  );
  return rows.map(({ parked_event_id }) => parked_event_id);
}

const parkedIds = async () =>
  (await open().list(1_000, '')).rows
    .map(({ parked_event_id }) => parked_event_id)
    .sort((a, b) => Number(a) - Number(b));

const logged = async (area: string) =>
  (await database.rows('select from area_mode_events where area_code = $1', [area])).length;

test('of parked events that are replayed together each has its outcome: those the database refuses stay, the others are parked no more', async () => {
  const events = Array.from({ length: 250 }, () => eventIn('together'));
  events[17] = eventIn('together', { eventId: 'x' });
  events[18] = eventIn('together', { userId: 'x'.repeat(300), eventTime: 'yesterday, or so' });
  const ids = await park(events);
  const replayed = await open().replay(ids);
  expect(replayed.map(({ id, eventId }) => ({ id, eventId }))).toEqual(
    events.map(({ eventId }, index) => ({ id: ids[index], eventId })),
  );
  const refused = replayed.filter(({ outcome }) => outcome.result !== 'RECORDED');
  expect(refused).toEqual(
    ['uuid', 'timestamp'].map((type, index) => ({
      id: ids[17 + index],
      eventId: events[17 + index]!.eventId,
      outcome: {
        result: 'REFUSED',
        reason: 'NOT_RECORDABLE',
        violations: [{ field: 'event', description: expect.stringContaining(type) as string }],
      },
    })),
  );
  expect(await parkedIds()).toEqual([ids[17], ids[18]]);
  expect(await logged('together')).toBe(248);
});

test('while the database is away replaying is UNAVAILABLE, and what it had recorded answers DUPLICATE the next time', async () => {
  const events = [eventIn('away', { eventId: 'x' }), eventIn('away'), eventIn('away')];
  const ids = await park(events);
  const { record } = recorder();
  let recorded = 0;
  const broken = open(async (batch) => {
    if (recorded > 0) throw unavailable('the database can not be reached', 1_000);
    const outcomes = await record(batch);
    recorded += outcomes.length;
    return outcomes;
  });
  await expect(broken.replay(ids)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  expect(await parkedIds()).toEqual(ids);
  expect((await open().replay(ids)).map(({ outcome }) => outcome.result)).toEqual(['REFUSED', 'DUPLICATE', 'RECORDED']);
  expect(await parkedIds()).toEqual([ids[0]]);
});

test('what fails for no fault of an event is no outcome: it is thrown once the others are recorded, and parked no more', async () => {
  const odd = eventIn('odd');
  const ids = await park([eventIn('odd'), odd, eventIn('odd')]);
  const { record } = recorder();
  const failing = open(async (batch) => {
    if (batch.some(({ eventId }) => eventId === odd.eventId)) throw new Error('something is wrong');
    return record(batch);
  });
  await expect(failing.replay(ids)).rejects.toThrow('something is wrong');
  expect(await parkedIds()).toEqual([ids[1]]);
  expect(await logged('odd')).toBe(2);
});
