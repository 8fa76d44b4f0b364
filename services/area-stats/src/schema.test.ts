import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { until } from '@realmkeep/testkit/parts/until';
import { dumpSchema } from '@realmkeep/testkit/schema-dump';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../test/database.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import { parkEvents } from './repository/parked-events.ts';
import { createRepository } from './repository.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('applying all migrations yields schema.sql', async () => {
  await expect(await dumpSchema(database.ownerUrl)).toMatchFileSnapshot('../schema.sql');
});

test('the Prisma schema has every table with every column, and reads rows as they were written', async () => {
  const eventId = randomUUID();
  const eventTime = new Date(Date.now() - 60_000);
  const names = { areaCode: '111', multiplayerMode: 'royale', userId: 'ada' };
  await createRepository(database).recordEvents(
    [{ eventId, ...names, eventName: 'LOGIN', eventTime: eventTime.toISOString() }],
    { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: null },
  );
  const pool = new pg.Pool({ connectionString: database.primaryUrl, max: 1, application_name: 'prisma' });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  try {
    const receivedAt = expect.any(Date);
    expect(await prisma.eventId.findMany()).toEqual([{ eventId, receivedAt }]);
    expect(await prisma.eventIdWalk.findMany()).toEqual([
      { singleton: true, beganAt: expect.any(Date), partition: 0, page: 0n },
    ]);
    expect(await prisma.areaModeEvent.findMany()).toEqual([
      { receivedAt, eventId, eventTime, ...names, eventName: 'LOGIN' },
    ]);
    expect(await prisma.areaModePresence.findMany()).toEqual([
      { ...names, eventTime, eventId, present: true, counted: true, leaseUntil: null, sweepAt: null },
    ]);
    expect(await prisma.areaModeEventsAgg.findMany()).toEqual([
      { areaCode: '111', multiplayerMode: 'royale', currentCount: 1n, version: 1n },
    ]);
    expect(await prisma.areaChange.findMany()).toEqual([
      { changeId: expect.any(BigInt), areaCode: '111', delta: 1n, changedAt: expect.any(Date) },
    ]);
    await database.rows('select fold_area_changes(1)');
    expect(await prisma.area.findMany()).toEqual([{ areaCode: '111', currentCount: 1n }]);
    expect(await prisma.areaFold.findMany()).toEqual([
      { singleton: true, foldedAt: expect.any(Date), firstChangeId: 0n, nextChangeId: 2n },
    ]);
    const jobId = randomUUID();
    await database.rows(`select create_job($1, '{"seed": "7"}', 20)`, [jobId]);
    expect(await prisma.job.findMany()).toMatchObject([
      { jobId, state: 'QUEUED', parameters: { seed: '7' }, events: 20n, eventsDone: 0n, eventsRecorded: 0n, error: '' },
    ]);
    const parked = { entry: '0/1-0', event: '{}', reason: 'INVALID_EVENT', message: 'the entry holds no event' };
    await database.postgres.write((primary) => parkEvents(primary, [{ ...parked, reason: 'INVALID_EVENT' }]));
    expect(await prisma.parkedEvent.findMany()).toEqual([
      { ...parked, parkedEventId: expect.any(BigInt) as bigint, parkedAt: expect.any(Date) as Date },
    ]);
    const columns = await database.rows<{ name: string; columns: number }>(`
      select table_name as name, count(*)::int as columns from information_schema.columns
      where table_name in ('event_ids', 'event_id_walk', 'area_mode_events', 'area_mode_presence', 'area_mode_events_agg',
        'areas', 'area_changes', 'area_fold', 'jobs', 'parked_events')
      group by table_name order by table_name`);
    expect(columns).toEqual([
      { name: 'area_changes', columns: 4 },
      { name: 'area_fold', columns: 5 },
      { name: 'area_mode_events', columns: 7 },
      { name: 'area_mode_events_agg', columns: 4 },
      { name: 'area_mode_presence', columns: 9 },
      { name: 'areas', columns: 2 },
      { name: 'event_id_walk', columns: 4 },
      { name: 'event_ids', columns: 2 },
      { name: 'jobs', columns: 10 },
      { name: 'parked_events', columns: 6 },
    ]);
  } finally {
    await prisma.$disconnect();
    await pool.end();
    // The database is dropped by force: what is still connected then hears of it as a fault that nobody catches.
    const connected = () => database.rows(`select from pg_stat_activity where application_name = 'prisma'`);
    await until(async () => (await connected()).length === 0, { what: 'the connection of Prisma to end' });
  }
});
