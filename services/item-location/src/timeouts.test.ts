import { randomUUID } from 'node:crypto';
import { createNoopMeter } from '@opentelemetry/api';
import { createLogger } from '@realmkeep/kit/log/logger';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { createPostgresNodes, type PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { until } from '@realmkeep/testkit/parts/until';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { batch, gameItemEvent } from '../test/events.ts';
import { createUncachedService } from '../test/uncached.ts';
import { toStep } from './follow-step.ts';
import { applyStep, beginFollowing } from './repository/following.ts';
import { createLocations, type Locations } from './service/locations.ts';
import type { Service } from './service.ts';

const server = { subject: 'game-1', role: 'SERVER' } as const;
const [ada, mill, thing] = [randomUUID(), randomUUID(), randomUUID()] as [string, string, string];
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let postgres: PostgresNodes;
let gate: pg.Client;
let service: Service;
let locations: Locations;

const pageTokens = createPageTokens({ key: 'ab'.repeat(32) });
const logger = createLogger({ name: 'item-location', level: 'silent' });

function nodes(name: string, statementTimeoutMs: number): PostgresNodes {
  const urls = [database.primaryUrl];
  return createPostgresNodes({ name, urls, statementTimeoutMs, logger, meter: createNoopMeter() });
}

beforeAll(async () => {
  database = await openTestDatabase();
  gate = new pg.Client({ connectionString: database.ownerUrl });
  await gate.connect();
  postgres = nodes('impatient', 1_000);
  service = createUncachedService({ postgres, pageTokens });
  locations = createLocations({ postgres, pageTokens });
  await locations.createLocation({ locationId: mill, name: 'Mill', areaCode: '111' });
  const { epoch, step } = await beginFollowing(database.primary);
  const events = [gameItemEvent({ gameItemId: thing, ownerId: ada, itemId: 'gem', grantedLocationId: mill })];
  await applyStep(database.primary, { epoch, number: step + 1n, step: toStep(batch(step + 1n, events)) });
});
afterAll(async () => {
  await gate.end();
  await postgres.close();
  await database.close();
});

test('what waits for a lock for longer than a statement may is UNAVAILABLE, says when to retry, and has done nothing', async () => {
  const [requestId, tower] = [randomUUID(), randomUUID()];
  const moves = [{ gameItemId: thing, locationId: mill, x: 1, y: 2, z: 3, expectedVersion: 0n }];
  const near = { areaCode: '111', point: [0, 0, 0] as [number, number, number], maxDistance: 0, limit: 1 };
  const calls = {
    move: () => service.moveItems(server, requestId, moves),
    createLocation: () => locations.createLocation({ locationId: tower, name: 'Tower', areaCode: '112' }),
    updateLocation: () => locations.updateLocation(mill, { name: 'Old mill' }, 0n),
    get: () => service.getItemLocation(server, thing),
    list: async () => service.listItemLocations(server, { by: 'item', value: 'gem', pageSize: 10 }, ''),
    search: () => service.searchItemLocations('mill', 10),
    nearby: () => service.nearbyItemLocations(near),
  };
  // Who changes the names of locations, or moves things, waits for the one, and who reads things for the other.
  await gate.query('begin; select pg_advisory_xact_lock(5350053); lock table game_item_locations');
  const outcomes = await Promise.all(
    Object.values(calls).map((call) => Promise.resolve(call()).catch((error: unknown) => error)),
  );
  await gate.query('rollback');
  const retryLater = {
    reason: 'UNAVAILABLE',
    details: expect.arrayContaining([expect.objectContaining({ $typeName: 'google.rpc.RetryInfo' })]),
    message: 'the database took too long',
  };
  for (const [index, name] of Object.keys(calls).entries())
    expect.soft(outcomes[index], name).toMatchObject(retryLater);

  expect(await calls.get()).toMatchObject({ row: { location_name: 'Mill', x: 0, version: '1' } });
  expect(await calls.createLocation()).toMatchObject({ name: 'Tower', version: 1n });
  expect(await calls.move()).toMatchObject({ replayed: false, item_locations: [{ x: 1, version: '2' }] });
  expect(await calls.updateLocation()).toMatchObject({ name: 'Old mill', version: 2n });
});

test('a location whose connection is ended while it is created is created by another one', async () => {
  const locationId = randomUUID();
  const patient = nodes('patient', 30_000);
  const { createLocation } = createLocations({ postgres: patient, pageTokens });
  await gate.query('begin; select pg_advisory_xact_lock(5350053)');
  const creating = createLocation({ locationId, name: 'Bridge', areaCode: '113' });
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name like 'patient%' and wait_event_type = 'Lock'`;
  const terminated = async () => (await database.primary.pool.query(terminate)).rows.length > 0;
  await until(terminated, { what: 'the creation to wait' });
  await gate.query('rollback');
  expect(await creating).toMatchObject({ name: 'Bridge', version: 1n });
  await patient.close();
});
