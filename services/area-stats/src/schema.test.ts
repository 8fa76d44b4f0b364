import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { dumpSchema } from '@realmkeep/testkit/schema-dump';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../test/database.ts';
import { PrismaClient } from './generated/prisma/client.ts';
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
  const pool = new pg.Pool({ connectionString: database.primaryUrl, max: 1 });
  // The database is dropped by force as soon as the pool has said good-bye.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  try {
    const receivedAt = expect.any(Date);
    expect(await prisma.eventId.findMany()).toEqual([{ eventId, receivedAt }]);
    expect(await prisma.areaModeEvent.findMany()).toEqual([
      { receivedAt, eventId, eventTime, ...names, eventName: 'LOGIN' },
    ]);
    expect(await prisma.areaModePresence.findMany()).toEqual([
      { ...names, eventTime, eventId, present: true, counted: true, leaseUntil: null },
    ]);
    expect(await prisma.areaModeEventsAgg.findMany()).toEqual([
      { areaCode: '111', multiplayerMode: 'royale', currentCount: 1n },
    ]);
    const columns = await database.rows<{ name: string; columns: number }>(`
      select table_name as name, count(*)::int as columns from information_schema.columns
      where table_name in ('event_ids', 'area_mode_events', 'area_mode_presence', 'area_mode_events_agg')
      group by table_name order by table_name`);
    expect(columns).toEqual([
      { name: 'area_mode_events', columns: 7 },
      { name: 'area_mode_events_agg', columns: 3 },
      { name: 'area_mode_presence', columns: 8 },
      { name: 'event_ids', columns: 2 },
    ]);
  } finally {
    await prisma.$disconnect();
    await pool.end();
  }
});
