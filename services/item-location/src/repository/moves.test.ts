import { randomUUID } from 'node:crypto';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { batch, gameItemEvent } from '../../test/events.ts';
import { refusalOf } from '../errors.ts';
import { toStep } from '../follow-step.ts';
import { contentHash, type Move } from '../move-request.ts';
import { applyStep, beginFollowing } from './following.ts';
import { playerItemLocations } from './item-locations.ts';
import { createLocation } from './locations.ts';
import { moveItems, recentlyMoved, trimMoves } from './moves.ts';

const [mill, tower] = [randomUUID(), randomUUID()];
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let epoch: bigint;
let number: bigint;

beforeAll(async () => {
  database = await openTestDatabase();
  await createLocation(database.primary, { locationId: mill, name: 'Old mill', areaCode: '111' });
  await createLocation(database.primary, { locationId: tower, name: 'Tower', areaCode: '112' });
  ({ epoch, step: number } = await beginFollowing(database.primary));
});
afterAll(() => database.close());

/** Gives the player new things, and answers their ids in order. */
async function grant(ownerId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID()).sort();
  await follow(ids.map((gameItemId) => gameItemEvent({ gameItemId, ownerId })));
  return ids;
}

async function follow(events: Parameters<typeof batch>[1]): Promise<void> {
  number += 1n;
  await applyStep(database.primary, { epoch, number, step: toStep(batch(number, events)) });
}

function to(locationId: string, gameItemId: string, expectedVersion = 0n): Move {
  return { gameItemId, locationId, x: 1.5, y: -2, z: 0, expectedVersion };
}

async function move(moves: Move[], { requestId = randomUUID(), mover }: { requestId?: string; mover?: string } = {}) {
  const request = { requestId, contentHash: contentHash(mover, moves), mover, moves };
  return moveItems(database.primary, request).catch((error: unknown) => {
    throw refusalOf(error) ?? error;
  });
}

type PlanNode = { 'Actual Rows': number; Plans?: PlanNode[] };

/** How many rows each step of a plan gave. */
function rowsOf({ 'Actual Rows': given, Plans = [] }: PlanNode): number[] {
  return [given, ...Plans.flatMap(rowsOf)];
}

async function state(ownerId: string) {
  const { rows, version } = await playerItemLocations(database.primary, ownerId);
  return { version, at: rows.map((row) => row.location_name) };
}

test('things go where they are put, in the order of the moves, and the player’s version grows once', async () => {
  const ada = randomUUID();
  const [first, second] = (await grant(ada, 2)) as [string, string];
  const answer = await move([to(mill, second), to(tower, first, 1n)], { mover: ada });
  expect(answer).toMatchObject({
    replayed: false,
    item_locations: [
      { game_item_id: second, location_id: mill, location_name: 'Old mill', area_code: '111', x: 1.5, y: -2 },
      { game_item_id: first, location_id: tower, area_code: '112', version: '2', source_version: '1' },
    ],
  });
  expect(await state(ada)).toEqual({ version: 2n, at: ['Tower', 'Old mill'] });
});

test('200 concurrent moves with one request id move once and answer alike', async () => {
  const ada = randomUUID();
  const [thing] = (await grant(ada, 1)) as [string];
  const requestId = randomUUID();
  const answers = await Promise.all(Array.from({ length: 200 }, () => move([to(mill, thing)], { requestId })));
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(new Set(answers.map((answer) => JSON.stringify(answer.item_locations))).size).toBe(1);
  expect((await state(ada)).version).toBe(2n);
});

test('a refusal names its reason and changes nothing, and its request id stays free', async () => {
  const [ada, bob] = [randomUUID(), randomUUID()];
  const [mine] = (await grant(ada, 1)) as [string];
  const [others] = (await grant(bob, 1)) as [string];
  const consumed = randomUUID();
  await follow([gameItemEvent({ gameItemId: consumed, ownerId: ada, quantity: 0n })]);
  const requestId = randomUUID();
  const refused = (moves: Move[]) => move([to(mill, mine), ...moves], { requestId, mover: ada });
  await expect(refused([to(mill, others)])).rejects.toMatchObject({ reason: 'NOT_OWNER' });
  await expect(refused([to(mill, randomUUID())])).rejects.toMatchObject({ reason: 'ITEM_LOCATION_NOT_FOUND' });
  await expect(refused([to(mill, consumed)])).rejects.toMatchObject({ reason: 'ITEM_LOCATION_NOT_FOUND' });
  const [another] = (await grant(ada, 1)) as [string];
  await expect(refused([to(randomUUID(), another)])).rejects.toMatchObject({ reason: 'LOCATION_NOT_FOUND' });
  await expect(refused([to(mill, another, 2n)])).rejects.toMatchObject({ reason: 'VERSION_MISMATCH' });
  expect((await state(ada)).at).toEqual(['', '']);

  await move([to(mill, mine)], { requestId, mover: ada });
  await expect(move([to(tower, mine)], { requestId, mover: ada })).rejects.toMatchObject({
    reason: 'REQUEST_ID_REUSED',
  });
  await expect(move([to(mill, mine)], { requestId, mover: bob })).rejects.toMatchObject({
    reason: 'REQUEST_ID_REUSED',
  });
});

test('moves and followed events over the same things in any order never deadlock', async () => {
  const [ada, bob] = [randomUUID(), randomUUID()];
  const things = await grant(ada, 40);
  let turn = 0;
  const shuffled = () => {
    turn += 1;
    const turned = [...things.slice(turn % 40), ...things.slice(0, turn % 40)];
    return turn % 2 ? turned.reverse() : turned;
  };
  const followed = (async () => {
    for (let version = 2n; version < 42n; version += 1n) {
      const ownerId = version % 2n ? ada : bob;
      await follow(shuffled().map((gameItemId) => gameItemEvent({ gameItemId, ownerId, version })));
    }
  })();
  const moved = Array.from({ length: 8 }, async () => {
    for (let round = 0; round < 20; round += 1)
      await move(shuffled().map((thing) => to(round % 2 ? mill : tower, thing)));
  });
  await Promise.all([followed, ...moved]);
  const { rows } = await playerItemLocations(database.primary, ada);
  expect(rows).toHaveLength(40);
  // Granted once, then every event and every move counts.
  expect(new Set(rows.map((row) => row.version))).toEqual(new Set([`${1 + 40 + 160}`]));
});

test('finding what a move of many things touched reads each thing and each location once', async () => {
  const owners = [randomUUID(), randomUUID()].sort();
  const things = [...(await grant(owners[0]!, 30)), ...(await grant(owners[1]!, 30))];
  const places = Array.from({ length: 60 }, (): string => randomUUID()).sort();
  for (const locationId of places) {
    await createLocation(database.primary, { locationId, name: 'Room', areaCode: '113' });
  }
  await database.asOwner("update move_requests set created_at = now() - interval '1 hour'");
  await move(things.map((thing, index) => to(places[index]!, thing)));
  const touched = await recentlyMoved(database.primary, 60_000);
  expect(touched.playerIds.toSorted()).toEqual(owners);
  expect(touched.locationIds.toSorted()).toEqual(places);

  const most: number[] = [];
  const explained: Reader = {
    ...database.primary,
    async query(statement) {
      const { rows } = await database.primary.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `explain (analyze, format json) ${statement.text}`,
        statement.values as unknown[],
      );
      most.push(...rowsOf(rows[0]!['QUERY PLAN'][0].Plan));
      return database.primary.query(statement);
    },
  };
  await recentlyMoved(explained, 60_000);
  expect(Math.max(...most)).toBe(60);
});

test('the latest moves are known with what they touched, and old answers are deleted', async () => {
  const touched = await recentlyMoved(database.primary, 60_000);
  expect(touched.playerIds.length).toBeGreaterThan(0);
  expect(touched.locationIds.length).toBeGreaterThan(0);
  expect(await trimMoves(database.primary, 1, 10)).toBe(0);
  await database.asOwner("update move_requests set created_at = now() - interval '2 days'");
  expect(await recentlyMoved(database.primary, 60_000)).toEqual({ playerIds: [], locationIds: [] });
  expect(await trimMoves(database.primary, 1, 1)).toBe(1);
});
