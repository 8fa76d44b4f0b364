import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import type { Event } from './event.ts';
import { createRecorder } from './recorder.ts';
import { createRepository } from './repository.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const RECORDED = { result: 'RECORDED' };

let database: TestDatabase;
let gate: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  gate = new pg.Client({ connectionString: database.ownerUrl });
  await gate.connect();
});
afterAll(async () => {
  await gate.end();
  await database.close();
});

/** A recorder on the real database, with the number of events of each statement that it made. */
function openRecorder(bound?: number) {
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
    ...(bound && { bound }),
  });
  return { recorder, statements };
}

/** No statement ends while the work goes on. */
async function whileHeldUp<T>(work: () => T): Promise<T> {
  await gate.query('begin; lock table area_mode_events_agg in exclusive mode');
  try {
    return work();
  } finally {
    await gate.query('commit');
  }
}

function event(areaCode: string, fields: Partial<Event> = {}): Event {
  const names = { areaCode, multiplayerMode: 'royale', userId: randomUUID() };
  return { eventId: randomUUID(), ...names, eventName: 'LOGIN', eventTime: null, ...fields };
}

test('calls go at once while few are in work, what comes meanwhile is gathered, and each is told of its own events', async () => {
  const { recorder, statements } = openRecorder();
  const known = event('gathered');
  expect(await recorder.record([known])).toEqual([RECORDED]);
  const calls = Array.from({ length: 100 }, () => [event('gathered'), event('gathered')]);
  const late = event('gathered', { eventTime: '2020-01-01T00:00:00Z' });
  const answers = await whileHeldUp(() => [known, late, ...calls].map((call) => recorder.record([call].flat())));
  const [duplicate, tooOld, ...recorded] = await Promise.all(answers);
  expect(duplicate).toEqual([{ result: 'DUPLICATE' }]);
  expect(tooOld).toEqual([expect.objectContaining({ result: 'REFUSED', reason: 'EVENT_TOO_OLD' })]);
  expect(recorded).toEqual(calls.map((call) => call.map(() => RECORDED)));
  // Three went by themselves; the 99 calls behind them were one statement.
  expect(statements).toEqual([1, 1, 1, 2, 198]);
  const { stored, defined } = await countsOf(database, 'gathered');
  expect(stored).toEqual([{ area_code: 'gathered', multiplayer_mode: 'royale', current_count: '201' }]);
  expect(stored).toEqual(defined);
});

test('a statement gathers 4,000 events and never divides a call', async () => {
  const { recorder, statements } = openRecorder();
  const call = (size: number) => recorder.record(Array.from({ length: size }, () => event('divided')));
  const answers = await whileHeldUp(() => [1, 1, 1, 3_500, 400, 101, 5_000, 5].map(call));
  expect((await Promise.all(answers)).map((outcomes) => outcomes.length)).toEqual([1, 1, 1, 3_500, 400, 101, 5_000, 5]);
  expect(statements).toEqual([1, 1, 1, 3_900, 101, 5_000, 5]);
});

test('events without a time are strictly increasing within a call, and later than those of every call answered before it', async () => {
  const { recorder } = openRecorder();
  const before = new Map<string, string[]>();
  const answered: string[] = [];
  async function caller(name: string) {
    for (let turn = 0; turn < 10; turn += 1) {
      const multiplayerMode = `${name} ${turn}`;
      before.set(multiplayerMode, [...answered]);
      await recorder.record(Array.from({ length: 20 }, (_, n) => event('times', { multiplayerMode, userId: `${n}` })));
      answered.push(multiplayerMode);
    }
  }
  // More callers than statements, so that some go beside others and some are gathered.
  await Promise.all(Array.from({ length: 8 }, (_, n) => caller(`caller ${n}`)));
  const { rows } = await gate.query<{ call: string; times: string[] }>(`
    select multiplayer_mode as call,
      array_agg((extract(epoch from event_time) * 1000000)::bigint order by user_id::int) as times
    from area_mode_events where area_code = 'times' group by 1`);
  const timesOf = new Map(rows.map(({ call, times }) => [call, times.map(Number)]));
  expect(timesOf.size).toBe(80);
  for (const [call, times] of timesOf) {
    expect(times).toHaveLength(20);
    const last = Math.max(0, ...before.get(call)!.map((earlier) => timesOf.get(earlier)!.at(-1)!));
    expect(
      [last, ...times].every((time, index, all) => index === 0 || time > all[index - 1]!),
      call,
    ).toBe(true);
  }
});

test('one caller’s event never fails another’s', async () => {
  const { recorder } = openRecorder();
  const settled = await whileHeldUp(() => {
    const first = [1, 2, 3].map(() => recorder.record([event('refused')]));
    // What the contract keeps out and the database can not store.
    const bad = recorder.record([event('refused', { userId: 'a\0b' })]);
    return Promise.allSettled([
      ...first,
      recorder.record([event('refused')]),
      bad,
      recorder.record([event('refused')]),
    ]);
  });
  expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([true, true, true, true, false, true]);
  const { stored, defined } = await countsOf(database, 'refused');
  expect(stored.map(({ current_count }) => current_count)).toEqual(['5']);
  expect(stored).toEqual(defined);
});

test('beyond its bound a recorder refuses with RESOURCE_EXHAUSTED, lets the patient wait, and takes events again', async () => {
  const { recorder } = openRecorder(10);
  const nine = Array.from({ length: 9 }, () => event('bound'));
  const [accepted, refused, waited] = await whileHeldUp(() => {
    const first = recorder.record(nine);
    const second = recorder.record([event('bound'), event('bound')]).catch((error: unknown) => error);
    return [first, second, recorder.recordPatiently([event('bound'), event('bound')])] as const;
  });
  expect(await refused).toMatchObject({ reason: 'RESOURCE_EXHAUSTED' });
  expect(await accepted).toEqual(nine.map(() => RECORDED));
  expect(await waited).toEqual([RECORDED, RECORDED]);
  // More than the bound is taken when nothing waits.
  expect(await recorder.record(Array.from({ length: 11 }, () => event('bound')))).toHaveLength(11);
});
