import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { StreamEventsRequestSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../../test/database.ts';
import { createRecorder } from '../recorder.ts';
import { createRepository } from '../repository.ts';
import { createEventStream } from './stream.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 600 };

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** A stream over the real database, with the number of events of each statement that it made. */
function openStream() {
  const repository = createRepository(database);
  const statements: number[] = [];
  const recorder = createRecorder({
    repository: {
      recordEvents: (events, limits) => {
        statements.push(events.length);
        return repository.recordEvents(events, limits);
      },
    },
    limits: LIMITS,
    logger: { error: () => undefined },
  });
  return { recordStream: createEventStream({ recorder }), statements };
}

type Fields = NonNullable<MessageInitShape<typeof StreamEventsRequestSchema>['events']>[number];

function event(areaCode: string, fields: Fields = {}) {
  const names = { areaCode, multiplayerMode: 'royale', userId: randomUUID() };
  return { eventId: randomUUID() as string, ...names, eventName: 'LOGIN', ...fields };
}

const message = (...events: Fields[]) => create(StreamEventsRequestSchema, { events });
const never = new AbortController().signal;

test('a stream is answered with its counts and the first 100 of those refused, once all is committed', async () => {
  const { recordStream } = openStream();
  const known = event('tally');
  const tally = await recordStream(
    (async function* () {
      yield message(known, event('tally', { eventName: 'JUMP', eventId: known.eventId }));
      for (let part = 0; part < 30; part += 1) yield message(known, ...Array(9).fill(event('tally')));
      yield message(...Array.from({ length: 120 }, () => event('tally', { userId: '' })));
      yield message(event('tally', { epochTimestamp: { seconds: 0n } }));
    })(),
    never,
  );
  // Of each nine the first is new.
  expect(tally).toMatchObject({ recorded: 31, duplicate: 30 * 9, refused: 122 });
  expect(tally.refusals).toHaveLength(100);
  expect(tally.refusals[0]).toMatchObject({
    eventId: known.eventId,
    outcome: { reason: 'INVALID_EVENT', violations: [expect.objectContaining({ field: 'event_name' })] },
  });
  const { stored, defined } = await countsOf(database, 'tally');
  expect(stored).toEqual([{ area_code: 'tally', multiplayer_mode: 'royale', current_count: '31' }]);
  expect(stored).toEqual(defined);
});

test('events without a time are strictly increasing within a stream, in the order sent, so those of one user count so', async () => {
  const sent = Array.from({ length: 501 }, (_, turn) =>
    event('order', { userId: 'ada', eventName: turn % 2 ? 'LOGOUT' : 'LOGIN' }),
  );
  const { recordStream } = openStream();
  const record = (events: Fields[]) =>
    recordStream(
      (async function* () {
        for (const each of events) yield message(each);
      })(),
      never,
    );
  // Streams that overlap share the statements and no order.
  await Promise.all([record(sent), ...[1, 2, 3].map(() => record(sent.map(() => event('beside'))))]);
  const logged = await database.rows<{ event_id: string; times: number }>(`
    select event_id, count(*) over (partition by event_time)::int as times from area_mode_events
    where area_code = 'order' order by event_time`);
  expect(logged).toEqual(sent.map(({ eventId }) => ({ event_id: eventId, times: 1 })));
  const { stored, defined } = await countsOf(database, 'order');
  expect(stored.map(({ current_count }) => current_count)).toEqual(['1']);
  expect(stored).toEqual(defined);
});

test('reading stops while what was read is not yet recorded, and goes on then', async () => {
  const { recordStream, statements } = openStream();
  const gate = new pg.Client({ connectionString: database.ownerUrl });
  await gate.connect();
  try {
    await gate.query('begin; lock table area_mode_events_agg in exclusive mode');
    let read = 0;
    const recorded = recordStream(
      (async function* () {
        for (; read < 50; read += 1) yield message(...Array.from({ length: 500 }, () => event('flow')));
      })(),
      never,
    );
    // The first message is a statement that is held up; 2,000 events wait behind it.
    await until(() => statements.length === 1 && read === 4, { what: 'reading to stop' });
    await gate.query('select pg_sleep(0.1)');
    expect({ read, statements }).toEqual({ read: 4, statements: [500] });
    await gate.query('commit');
    expect(await recorded).toMatchObject({ recorded: 25_000 });
    expect(Math.max(...statements)).toBeLessThanOrEqual(2_500);
  } finally {
    await gate.end();
  }
});

test('when recording fails the stream fails at once, also while its caller says nothing', async () => {
  const recordStream = createEventStream({
    recorder: { recordPatiently: () => Promise.reject(new Error('the database is away')) },
  });
  const stream = recordStream(
    (async function* () {
      yield message(event('failing'));
      await new Promise(() => undefined);
    })(),
    never,
  );
  await expect(stream).rejects.toThrow('the database is away');
});
