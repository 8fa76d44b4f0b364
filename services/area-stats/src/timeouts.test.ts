import { randomUUID } from 'node:crypto';
import { createNoopMeter } from '@opentelemetry/api';
import { createPostgresNodes, type PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../test/database.ts';
import type { Event } from './event.ts';
import { recordApart } from './event-queue/recording.ts';
import { createRecorder } from './recorder.ts';
import { createRepository } from './repository.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
let database: TestDatabase;
let postgres: PostgresNodes;
let gate: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  gate = new pg.Client({ connectionString: database.ownerUrl });
  await gate.connect();
  const logger = { info: () => undefined, warn: () => undefined };
  const urls = [database.primaryUrl];
  postgres = createPostgresNodes({
    name: 'impatient',
    urls,
    statementTimeoutMs: 1_000,
    logger,
    meter: createNoopMeter(),
  });
});
afterAll(async () => {
  await gate.end();
  await postgres.close();
  await database.close();
});

test('what waits for a lock for longer than a statement may is UNAVAILABLE, and no queued event is to blame for it', async () => {
  const repository = createRepository({ postgres });
  const recorder = createRecorder({ repository, limits: LIMITS, logger: { error: () => undefined } });
  const events = Array.from({ length: 4 }, (): Event => {
    const names = { areaCode: 'slow', multiplayerMode: 'royale', userId: randomUUID() };
    return { eventId: randomUUID(), ...names, eventName: 'LOGIN', eventTime: null };
  });
  const calls = {
    record: () => recorder.record(events.slice(0, 2)),
    queued: () => recordApart(events.slice(2), (some) => recorder.record(some)),
    read: () => repository.readArea('slow'),
  };
  await gate.query('begin; lock table area_mode_events_agg');
  const outcomes = await Promise.all(Object.values(calls).map((call) => call().catch((error: unknown) => error)));
  await gate.query('rollback');
  expect(outcomes).toMatchObject(Array(3).fill({ reason: 'UNAVAILABLE', message: 'the database took too long' }));

  expect(await calls.record()).toMatchObject([{ result: 'RECORDED' }, { result: 'RECORDED' }]);
  expect(await calls.queued()).toMatchObject(Array(2).fill({ outcome: { result: 'RECORDED' } }));
  expect(await calls.read()).toMatchObject({ modes: [{ mode: 'royale', count: 4n }] });
});

test('a disk that is full is UNAVAILABLE after one statement, however many events wait, and no queued event is to blame for it', async () => {
  await database.asOwner(`
    create function fill_disk() returns trigger language plpgsql as
      $$ begin raise exception 'no space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on area_mode_events execute function fill_disk()`);
  const repository = createRepository({ postgres });
  let statements = 0;
  const recorder = createRecorder({
    repository: {
      recordEvents: (events, limits) => {
        statements += 1;
        return repository.recordEvents(events, limits);
      },
    },
    limits: LIMITS,
    logger: { error: () => undefined },
  });
  const events = Array.from({ length: 100 }, (): Event => {
    const names = { areaCode: 'full', multiplayerMode: 'royale', userId: randomUUID() };
    return { eventId: randomUUID(), ...names, eventName: 'LOGIN', eventTime: null };
  });
  await expect(recordApart(events, recorder.record)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  expect(statements).toBe(1);
  await database.asOwner('drop trigger full_disk on area_mode_events');
  expect(await recordApart(events, recorder.record)).toEqual(Array(100).fill({ outcome: { result: 'RECORDED' } }));
});
