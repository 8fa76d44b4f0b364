import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import { choresOf } from './chores.ts';
import type { Event } from './event.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createRepository, type Repository } from './repository.ts';

const LEASE_SECONDS = 600;
const LIMITS = { maxLatenessSeconds: 7 * 24 * 3600, maxSkewSeconds: 300, leaseSeconds: LEASE_SECONDS };

let database: TestDatabase;
let repository: Repository;

beforeAll(async () => {
  database = await openTestDatabase({ connections: 20 });
  repository = createRepository(database);
});
afterAll(() => database.close());

function event(areaCode: string, fields: Partial<Event> = {}): Event {
  const names = { areaCode, multiplayerMode: 'royale', userId: 'ada' };
  return { eventId: randomUUID(), ...names, eventName: 'LOGIN', eventTime: null, ...fields };
}

const presence = (areaCode: string, userId = 'ada') => ({ areaCode, multiplayerMode: 'royale', userId });
const record = (...events: Event[]) => repository.recordEvents(events, LIMITS);
const endLeases = (areaCode: string) =>
  database.asOwner(`update area_mode_presence
    set lease_until = now() - interval '1 second', sweep_at = now() - interval '1 second'
    where area_code = '${areaCode}' and lease_until is not null`);

async function sweep(): Promise<number> {
  let total = 0;
  for (let swept = 1; swept > 0; total += swept) swept = await repository.sweepPresences(100);
  return total;
}

async function count(areaCode: string): Promise<number> {
  const { stored, counted } = await countsOf(database, areaCode);
  expect(stored).toEqual(counted);
  return Number(stored[0]?.current_count ?? 0);
}

/** How many seconds from now the leases of an area end, each user's in the order of their names. */
async function leases(areaCode: string) {
  const rows = await database.rows<{ seconds: number | null }>(
    `select extract(epoch from lease_until - now())::float8 as seconds from area_mode_presence
     where area_code = $1 order by user_id`,
    [areaCode],
  );
  return rows.map(({ seconds }) => seconds);
}

test('a presence leaves the count with its lease; then a LOGIN counts again, a late duplicate does not, a LOGOUT takes off nothing twice', async () => {
  const first = event('swept');
  await record(first, event('swept', { userId: 'bob' }));
  await endLeases('swept');
  expect(await sweep()).toBe(2);
  expect(await count('swept')).toBe(0);
  expect(await sweep()).toBe(0);

  expect(await record(first)).toEqual([2]);
  expect(await count('swept')).toBe(0);
  await record(event('swept'));
  expect(await count('swept')).toBe(1);
  await record(event('swept', { userId: 'bob', eventName: 'LOGOUT' }));
  expect(await count('swept')).toBe(1);
  await record(event('swept', { eventName: 'LOGOUT' }));
  expect(await count('swept')).toBe(0);
  expect(await sweep()).toBe(0);
});

test('a lease runs from the receipt whatever the time of the event, and an event that comes too late to count moves none', async () => {
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  await record(event('receipt', { eventTime: hoursAgo(3) }), event('receipt', { userId: 'bob' }));
  await database.asOwner(`update area_mode_presence set lease_until = lease_until - interval '300 seconds'
    where area_code = 'receipt'`);
  await record(event('receipt', { eventTime: hoursAgo(4) }));
  await record(event('receipt', { eventTime: hoursAgo(5), eventName: 'LOGOUT', userId: 'bob' }));
  for (const seconds of await leases('receipt')) expect(seconds).toBeLessThanOrEqual(300);
  await record(event('receipt', { eventTime: hoursAgo(2) }));
  expect((await leases('receipt'))[0]).toBeGreaterThan(300);
  expect(await count('receipt')).toBe(2);
});

test('a renewal moves a lease on and never back, counts what was swept again, and tells who is not there', async () => {
  const users = ['ada', 'bob', 'eve'];
  await record(...users.map((userId) => event('renewed', { userId })));
  await record(event('renewed', { userId: 'eve', eventName: 'LOGOUT' }));
  await endLeases('renewed');
  const asked = ['nobody', 'bob', 'eve', 'ada', 'bob'].map((userId) => presence('renewed', userId));
  for (const swept of [2, 0]) {
    expect(await sweep()).toBe(swept);
    // As if the sweep had come after the renewal: nothing depends on which was first.
    expect(await repository.renewPresences(asked, LEASE_SECONDS)).toEqual([false, true, false, true, true]);
    expect(await count('renewed')).toBe(2);
  }
  await repository.renewPresences(asked, 10);
  const [ada, bob, eve] = await leases('renewed');
  expect(Math.min(ada!, bob!)).toBeGreaterThan(10);
  expect(eve).toBe(null);
});

test('a lease that moved on is looked at too early and goes on, and neither an event nor a renewal moves an entry of an index', async () => {
  await record(event('moved-on'), event('moved-on', { userId: 'bob' }));
  await database.asOwner(`update area_mode_presence set sweep_at = now() where area_code = 'moved-on'`);
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    await client.query('begin');
    const [ids, areas, modes] = [[randomUUID()], ['moved-on'], ['royale']];
    const call = `record_events($1, $2, $3, '{bob}', '{LOGIN}', '{null}', '7 days', '5 minutes', '10 minutes')`;
    await client.query(`select ${call}`, [ids, areas, modes]);
    await client.query(`select renew_presences($1, $2, '{ada}', '1 hour')`, [areas, modes]);
    const { rows } = await client.query(
      `select n_tup_upd::int as updated, n_tup_hot_upd::int as in_place from pg_stat_xact_user_tables
       where relname = 'area_mode_presence'`,
    );
    expect(rows).toEqual([{ updated: 2, in_place: 2 }]);
    await client.query('commit');
  } finally {
    await client.end();
  }
  expect(await repository.sweepPresences(100)).toBe(2);
  expect(await repository.sweepPresences(100)).toBe(0);
  expect(await count('moved-on')).toBe(2);
  await endLeases('moved-on');
  expect(await repository.sweepPresences(100)).toBe(2);
  expect(await count('moved-on')).toBe(0);
});

test('a presence without a lease is never swept, and a renewal gives it none', async () => {
  await repository.recordEvents([event('endless')], { ...LIMITS, leaseSeconds: null });
  expect(await repository.renewPresences([presence('endless')], LEASE_SECONDS)).toEqual([true]);
  expect(await leases('endless')).toEqual([null]);
  expect(await count('endless')).toBe(1);
});

test('one process sweeps at a time, in bounded statements', async () => {
  await record(...Array.from({ length: 25 }, (_, user) => event('bounded', { userId: `user-${user}` })));
  await endLeases('bounded');
  expect(await repository.sweepPresences(10)).toBe(10);
  expect(await count('bounded')).toBe(15);
  const other = new pg.Client({ connectionString: database.ownerUrl });
  await other.connect();
  try {
    await other.query(`begin; select pg_advisory_xact_lock(hashtext('area_stats.sweep_presences'))`);
    expect(await repository.sweepPresences(10)).toBe(0);
    await other.query('commit');
  } finally {
    await other.end();
  }
  expect(await count('bounded')).toBe(15);
  await sweep();
  expect(await count('bounded')).toBe(0);
});

test('events, renewals and sweeps at once end without a deadlock and count exactly those whose lease goes on', async () => {
  const areas = ['storm-1', 'storm-2'];
  const users = Array.from({ length: 30 }, (_, user) => `user-${user}`);
  const presences = areas.flatMap((area) => users.map((user) => presence(area, user)));
  const stay = areas.map((area) => presence(area, 'stays'));
  await record(...stay.map(({ areaCode, userId }) => event(areaCode, { userId })));
  const writer = async (turn: number) => {
    for (let round = 0; round < 12; round += 1) {
      const some = presences.filter((_, index) => (index * 7 + turn * 3 + round) % 4 === 0).reverse();
      if (turn % 4 === 0) await repository.sweepPresences(20);
      else if (turn % 4 === 1) await repository.renewPresences([...some, ...stay], turn % 8 === 1 ? LEASE_SECONDS : 0);
      else {
        const eventName = (turn + round) % 3 ? 'LOGIN' : 'LOGOUT';
        const events = some.map((where) => ({ eventId: randomUUID(), ...where, eventName, eventTime: null }));
        // Some leases end as soon as they begin.
        await repository.recordEvents(events, { ...LIMITS, leaseSeconds: turn % 8 === 2 ? 0 : LEASE_SECONDS });
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, turn) => writer(turn)));
  await sweep();
  const { stored, counted } = await countsOf(database, 'storm-%');
  const live = await database.rows(`
    select area_code, multiplayer_mode, count(*) as current_count from area_mode_presence
    where area_code like 'storm-%' and present and lease_until > now() group by 1, 2 order by 1, 2`);
  expect(stored).toEqual(counted);
  expect(stored).toEqual(live);
  expect(stored.length).toBe(2);
});

test('the service sweeps by itself, and drops the days of the event log that are old', async () => {
  await database.asOwner(`
    create table area_mode_events_20200101 partition of area_mode_events
      for values from ('2020-01-01 00:00:00+00') to ('2020-01-02 00:00:00+00')`);
  await record(event('by-itself'));
  await endLeases('by-itself');
  const chores = choresOf({ repository, limits: LIMITS, sweepSeconds: 1, logDays: 30, jobDays: 30 });
  const { stop } = startHousekeeping({
    chores,
    logger: {
      error: (fault: object) => {
        throw new Error('a chore failed', { cause: fault });
      },
    },
  });
  try {
    await until(async () => (await count('by-itself')) === 0, { what: 'the sweep' });
    const oldDay = () => database.rows(`select to_regclass('area_mode_events_20200101')::text as day`);
    await until(async () => (await oldDay())[0]!.day === null, { what: 'the old day to be dropped' });
  } finally {
    await stop();
  }
  const [days] = await database.rows<{ days: number }>(
    `select count(*)::int as days from pg_inherits where inhparent = 'area_mode_events'::regclass`,
  );
  expect(days!.days).toBe(8);
});
