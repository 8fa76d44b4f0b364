import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import type { Event } from './event.ts';
import { createRepository, isPartitionMissing, type Repository } from './repository.ts';

const LIMITS = { maxLatenessSeconds: 7 * 24 * 3600, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const [RECORDED, DUPLICATE, TOO_OLD, IN_FUTURE] = [1, 2, 3, 4];

let database: TestDatabase;
let repository: Repository;

beforeAll(async () => {
  database = await openTestDatabase({ connections: 50 });
  repository = createRepository(database);
});
afterAll(() => database.close());

function event(fields: Partial<Event> = {}): Event {
  return {
    eventId: randomUUID(),
    areaCode: '111',
    multiplayerMode: 'royale',
    userId: 'ada',
    eventName: 'LOGIN',
    eventTime: null,
    ...fields,
  };
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

/** The number of users whose latest event in an area and mode is LOGIN, ties by the greater id. */
function model(events: Event[]) {
  const latest = new Map<string, Event>();
  for (const next of events) {
    const key = JSON.stringify([next.areaCode, next.multiplayerMode, next.userId]);
    const last = latest.get(key);
    const rank = ({ eventTime, eventId }: Event) => `${eventTime} ${eventId}`;
    if (!last || rank(next) > rank(last)) latest.set(key, next);
  }
  const counts = new Map<string, number>();
  for (const { areaCode, multiplayerMode, eventName } of latest.values()) {
    const key = `${areaCode} ${multiplayerMode}`;
    if (eventName === 'LOGIN') counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function expectExact(areas: string, events?: Event[]) {
  const { stored, counted, defined } = await countsOf(database, areas);
  expect(stored).toEqual(defined);
  expect(stored).toEqual(counted);
  if (!events) return;
  expect(stored.map((row) => [`${row.area_code} ${row.multiplayer_mode}`, Number(row.current_count)])).toEqual(
    model(events),
  );
}

let runs = 0;

test('counts follow the latest event of each user whatever is doubled, reordered, tied and written at once', async () => {
  const start = Date.now() - 3_600_000;
  const anyEvent = fc.record({
    eventId: fc.uuid(),
    areaCode: fc.constantFrom('a', 'b'),
    multiplayerMode: fc.constantFrom('royale', 'duel'),
    userId: fc.constantFrom('ada', 'bob', 'eve'),
    eventName: fc.constantFrom('LOGIN', 'LOGOUT'),
    // Few times, so that ties are common.
    eventTime: fc.integer({ min: 0, max: 5 }).map((second) => new Date(start + second * 1000).toISOString()),
  });
  const property = fc.asyncProperty(
    fc.uniqueArray(anyEvent, { selector: ({ eventId }) => eventId.slice(8), minLength: 1, maxLength: 40 }),
    fc.array(fc.nat(), { maxLength: 20 }),
    fc.infiniteStream(fc.nat({ max: 4 })),
    async (drawn, doubled, writers) => {
      runs += 1;
      // No run, and no run that shrinks a failed one, meets the ids and areas of another.
      const events = drawn.map((each) => ({
        ...each,
        eventId: runs.toString(16).padStart(8, '0') + each.eventId.slice(8),
        areaCode: `model-${runs}-${each.areaCode}`,
      }));
      const sent = [...events, ...doubled.map((index) => events[index % events.length]!)];
      const batches = new Map<number, Event[]>();
      for (const each of sent) {
        const writer = writers.next().value;
        batches.set(writer, [...(batches.get(writer) ?? []), each]);
      }
      const outcomes = await Promise.all([...batches.values()].map((batch) => repository.recordEvents(batch, LIMITS)));
      expect(outcomes.flat().filter((outcome) => outcome === RECORDED)).toHaveLength(events.length);
      expect(outcomes.flat().filter((outcome) => outcome === DUPLICATE)).toHaveLength(doubled.length);
      await expectExact(`model-${runs}-%`, events);
    },
  );
  await fc.assert(property, { numRuns: 60, seed: 7 });
});

test('50 concurrent batches over the same areas end without a deadlock and count exactly', async () => {
  const start = Date.now() - 3_600_000;
  const events = Array.from({ length: 10_000 }, (_, index) =>
    event({
      areaCode: `crowd-${(index * 7) % 10}`,
      multiplayerMode: `mode-${index % 3}`,
      userId: `user-${(index * 31) % 400}`,
      eventName: (index * 13) % 5 < 3 ? 'LOGIN' : 'LOGOUT',
      eventTime: new Date(start + ((index * 97) % 5_000)).toISOString(),
    }),
  );
  // Every event is in two batches, so that batches also wait for each other's ids.
  const batches = Array.from({ length: 50 }, (_, batch) =>
    events.filter((_, index) => index % 50 === batch || (index * 11 + 1) % 50 === batch),
  );
  const outcomes = await Promise.all(batches.map((batch) => repository.recordEvents(batch, LIMITS)));
  expect(outcomes.flat().filter((outcome) => outcome === RECORDED)).toHaveLength(events.length);
  await expectExact('crowd-%', events);
});

test('of one id in a batch the first event wins, and an id seen before changes nothing whatever else the event says', async () => {
  const [first, other] = [event({ areaCode: 'first' }), event({ areaCode: 'first', userId: 'bob' })];
  expect(await repository.recordEvents([first, { ...first, userId: 'eve' }, other], LIMITS)).toEqual([
    RECORDED,
    DUPLICATE,
    RECORDED,
  ]);
  expect(await repository.recordEvents([{ ...first, userId: 'eve', eventName: 'LOGOUT' }], LIMITS)).toEqual([
    DUPLICATE,
  ]);
  expect((await repository.readArea('first')).modes).toEqual([{ mode: 'royale', count: 2n }]);
});

test('a time outside of the bounds is refused by itself, a duplicate is told so whatever its time, and a refused id stays free', async () => {
  const known = event({ areaCode: 'bounds', eventTime: ago(60) });
  const late = event({ areaCode: 'bounds', userId: 'bob', eventTime: ago(60) });
  expect(await repository.recordEvents([known], LIMITS)).toEqual([RECORDED]);
  const narrow = { ...LIMITS, maxLatenessSeconds: 30, maxSkewSeconds: 30 };
  expect(
    await repository.recordEvents(
      [
        known,
        late,
        event({ eventTime: ago(-40) }),
        { ...known, eventTime: ago(-40) },
        event({ areaCode: 'bounds', userId: 'eve', eventTime: ago(-20) }),
      ],
      narrow,
    ),
  ).toEqual([DUPLICATE, TOO_OLD, IN_FUTURE, DUPLICATE, RECORDED]);
  expect(await repository.recordEvents([late], LIMITS)).toEqual([RECORDED]);
  // As if they had come one after the other: refused, then recorded, then a duplicate.
  const again = event({ areaCode: 'bounds', userId: 'dan' });
  const tooLate = { ...again, eventTime: ago(60) };
  expect(await repository.recordEvents([tooLate, again, tooLate], narrow)).toEqual([TOO_OLD, RECORDED, DUPLICATE]);
  expect((await repository.readArea('bounds')).modes).toEqual([{ mode: 'royale', count: 4n }]);
});

test('events without a time are strictly increasing within a call, and later than those of every call answered before it', async () => {
  for (let call = 0; call < 5; call += 1) {
    const batch = Array.from({ length: 2_000 }, (_, index) =>
      event({ areaCode: 'arrival', multiplayerMode: String(call), eventName: index % 2 ? 'LOGOUT' : 'LOGIN' }),
    );
    // All but the last are recorded before, so the call takes hardly longer than the microseconds it gives away.
    await repository.recordEvents(batch.slice(0, -1), LIMITS);
    await repository.recordEvents(batch, LIMITS);
    await repository.recordEvents([event({ areaCode: 'arrival', multiplayerMode: String(call) })], LIMITS);
  }
  const { modes } = await repository.readArea('arrival');
  expect(modes).toEqual(['0', '1', '2', '3', '4'].map((mode) => ({ mode, count: 1n })));
  const [order] = await database.rows<{ times: number; calls: boolean }>(`
    select count(distinct event_time)::int as times,
      bool_and(event_time = received_at and mode >= before) as calls
    from (
      select event_time, received_at, multiplayer_mode::int as mode,
        lag(multiplayer_mode::int, 1, 0) over (order by event_time) as before
      from area_mode_events where area_code = 'arrival'
    ) as arrived`);
  expect(order).toEqual({ times: 5 * 2_001, calls: true });
});

test('an area lists its modes by count, then by the bytes of their names, and leaves out the empty ones', async () => {
  const modes = ['duel', 'Arena', 'ctf', 'ctf', 'Zoo', '\u{1f600}', '\uff21'];
  await repository.recordEvents(
    [
      ...modes.map((multiplayerMode, index) => event({ areaCode: 'order', multiplayerMode, userId: `u${index}` })),
      event({ areaCode: 'order', multiplayerMode: 'empty', eventTime: ago(2) }),
      event({ areaCode: 'order', multiplayerMode: 'empty', eventTime: ago(1), eventName: 'LOGOUT' }),
    ],
    LIMITS,
  );
  const { modes: listed, asOf, source } = await repository.readArea('order');
  expect(listed.map(({ mode }) => mode)).toEqual(['ctf', 'Arena', 'Zoo', 'duel', '\uff21', '\u{1f600}']);
  expect(Math.abs(Date.now() - asOf)).toBeLessThan(5_000);
  expect(source).toBe('primary');
  expect((await repository.readArea('nowhere')).modes).toEqual([]);

  const sizes = [9, 10, 2, 11, 100];
  const crowds = sizes.flatMap((size) =>
    Array.from({ length: size }, (_, user) =>
      event({ areaCode: 'digits', multiplayerMode: `of-${size}`, userId: `u${user}` }),
    ),
  );
  await repository.recordEvents(crowds, LIMITS);
  expect((await repository.readArea('digits')).modes).toEqual(
    [100, 11, 10, 9, 2].map((size) => ({ mode: `of-${size}`, count: BigInt(size) })),
  );
});

test('without a partition for today the first who writes makes it; where it can not be made nothing is recorded', async () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  const drop = () => database.asOwner(`drop table area_mode_events_${today}, area_mode_events_${tomorrow}`);
  const lost = event({ areaCode: 'partition' });
  await drop();
  const [role] = await database.rows<{ name: string }>('select current_user as name');
  await database.asOwner(`revoke execute on function ensure_event_partitions(integer) from ${role!.name}`);
  const refused = await repository.recordEvents([lost], LIMITS).catch((error: unknown) => error);
  expect(isPartitionMissing(refused)).toBe(true);
  await database.asOwner(`grant execute on function ensure_event_partitions(integer) to ${role!.name}`);
  const others = Array.from({ length: 5 }, (_, user) => event({ areaCode: 'partition', userId: `u${user}` }));
  const outcomes = await Promise.all([lost, ...others].map((each) => repository.recordEvents([each], LIMITS)));
  expect(outcomes).toEqual(Array(6).fill([RECORDED]));
  await expectExact('partition');
});

test('the runtime role changes tables by their functions only', async () => {
  for (const table of ['event_ids', 'event_ids_0', 'area_mode_events', 'area_mode_presence', 'area_mode_events_agg']) {
    await expect(database.rows(`delete from ${table}`)).rejects.toThrow('permission denied');
  }
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  await expect(database.rows(`delete from area_mode_events_${today}`)).rejects.toThrow('permission denied');
});
