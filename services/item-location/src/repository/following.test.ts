import { randomUUID } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { createLogger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { FollowItemEventsResponse } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { batch, catalogEvent, chunk, gameItemEvent, playerEvent } from '../../test/events.ts';
import { toStep } from '../follow-step.ts';
import { startFollowedAge } from '../followed-age.ts';
import { applyStep, beginFollowing, type Following, followedAsOf, forgetPosition } from './following.ts';
import { followedPosition, playerItemLocations } from './item-locations.ts';
import { createLocation } from './locations.ts';
import { renameBatch } from './renames.ts';

const logger = createLogger({ name: 'item-location', level: 'silent' });
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let following: Following;
let step: bigint;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  following = await beginFollowing(database.primary);
  step = following.step;
});

function apply(response: FollowItemEventsResponse, number = ++step) {
  return applyStep(database.primary, { epoch: following.epoch, number, step: toStep(response) });
}

/** Brings every changed name into the rows. */
async function rename(): Promise<void> {
  while ((await renameBatch(database.primary, 100)).pending > 0);
}

async function things(playerId: string) {
  const { rows, version } = await playerItemLocations(database.primary, playerId);
  return { version, rows };
}

test('a thing shows the names that are known, and those that arrive later, once each', async () => {
  const [ownerId, gameItemId, itemId] = [randomUUID(), randomUUID(), `sword-${randomUUID()}`];
  await apply(batch(10n, [gameItemEvent({ gameItemId, ownerId, itemId }), catalogEvent(itemId, 'Sword')]));
  expect((await things(ownerId)).rows).toMatchObject([{ item_name: 'Sword', item_kind: 'weapon', owner_name: '' }]);

  await apply(batch(11n, [playerEvent(ownerId, 'Ada', 2n)]));
  await apply(batch(12n, [playerEvent(ownerId, 'Eve', 1n), catalogEvent(itemId, 'Long sword', 2n)]));
  await rename();
  await rename();
  const { rows, version } = await things(ownerId);
  expect(rows).toMatchObject([{ owner_name: 'Ada', item_name: 'Long sword', version: '3', source_version: '1' }]);
  expect(version).toBe(3n);
});

test('the greater version of a thing wins in any order, and a late grant does not revive a consumed one', async () => {
  const [ada, bob, gameItemId] = [randomUUID(), randomUUID(), randomUUID()];
  await apply(batch(20n, [gameItemEvent({ gameItemId, ownerId: bob, version: 3n })]));
  await apply(batch(21n, [gameItemEvent({ gameItemId, ownerId: ada, version: 2n })]));
  expect(await things(ada)).toEqual({ version: 0n, rows: [] });
  expect((await things(bob)).rows).toMatchObject([{ game_item_id: gameItemId, version: '1', source_version: '3' }]);

  const consumed = randomUUID();
  await apply(batch(22n, [gameItemEvent({ gameItemId: consumed, ownerId: ada, version: 2n, quantity: 0n })]));
  await apply(batch(23n, [gameItemEvent({ gameItemId: consumed, ownerId: ada, version: 1n })]));
  expect((await things(ada)).rows).toEqual([]);
});

test('a thing that changes hands raises the versions of both players', async () => {
  const [ada, bob, gameItemId] = [randomUUID(), randomUUID(), randomUUID()];
  await apply(batch(30n, [gameItemEvent({ gameItemId, ownerId: ada })]));
  await apply(batch(31n, [gameItemEvent({ gameItemId, ownerId: bob, version: 2n })]));
  expect(await things(ada)).toEqual({ version: 2n, rows: [] });
  expect(await things(bob)).toMatchObject({ version: 1n, rows: [{ game_item_id: gameItemId }] });
});

test('the location of a grant counts at first sight only, and is filled in when it is created later', async () => {
  const [ownerId, gameItemId, locationId] = [randomUUID(), randomUUID(), randomUUID()];
  await apply(batch(40n, [gameItemEvent({ gameItemId, ownerId, grantedLocationId: locationId })]));
  expect((await things(ownerId)).rows).toMatchObject([{ location_id: locationId, location_name: '', area_code: '' }]);

  await createLocation(database.primary, { locationId, name: 'Old mill', areaCode: '111' });
  await rename();
  await apply(batch(41n, [gameItemEvent({ gameItemId, ownerId, version: 2n, grantedLocationId: randomUUID() })]));
  const { rows, version } = await things(ownerId);
  expect(rows).toMatchObject([{ location_id: locationId, location_name: 'Old mill', area_code: '111', version: '3' }]);
  expect(version).toBe(3n);
});

test('no row stays without its location when both come at the same time', async () => {
  const ownerId = randomUUID();
  const locations = Array.from({ length: 30 }, () => randomUUID());
  const applied = (async () => {
    for (const [index, grantedLocationId] of locations.entries()) {
      await apply(batch(50n, [gameItemEvent({ gameItemId: randomUUID(), ownerId, grantedLocationId })], BigInt(index)));
    }
  })();
  const created = Promise.all(
    locations.map((locationId) => createLocation(database.primary, { locationId, name: 'Place', areaCode: '112' })),
  );
  await Promise.all([applied, created]);
  await rename();
  const { rows } = await things(ownerId);
  expect(rows.map((row) => row.location_name)).toEqual(locations.map(() => 'Place'));
});

test('a step that is taken again does nothing, and a follower that was replaced can apply nothing', async () => {
  const [ownerId, gameItemId] = [randomUUID(), randomUUID()];
  const granted = batch(60n, [gameItemEvent({ gameItemId, ownerId })], 7n);
  // What it touched is told again: whoever took it first may not have lived to tell of it.
  const touched = { locationIds: [], playerIds: [ownerId] };
  expect(await apply(granted)).toEqual({ outcome: 'APPLIED', parked: 0, touched });
  expect(await apply(granted, step)).toEqual({ outcome: 'ALREADY', parked: 0, touched });
  expect(await followedPosition(database.primary)).toEqual({ transaction: 60n, id: 7n });

  await beginFollowing(database.primary);
  const stolen = batch(61n, [gameItemEvent({ gameItemId, ownerId: randomUUID(), version: 2n })]);
  expect(await apply(stolen)).toEqual({
    outcome: 'REPLACED',
    parked: 0,
    touched: { locationIds: [], playerIds: [] },
  });
  expect(await followedPosition(database.primary)).toEqual({ transaction: 60n, id: 7n });
  expect(await things(ownerId)).toMatchObject({ version: 1n, rows: [{ source_version: '1' }] });
});

test('what a chunk of a snapshot does not name in its range is gone, for good', async () => {
  const ownerId = randomUUID();
  const [first, second, third] = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}${randomUUID().slice(8)}`) as [
    string,
    string,
    string,
  ];
  const grant = (gameItemId: string) => gameItemEvent({ gameItemId, ownerId });
  await apply(batch(70n, [first, second, third].map(grant)));

  await apply(chunk([grant(first)], { through: second }));
  const left = (await things(ownerId)).rows.map((row) => row.game_item_id);
  expect(left).toEqual([first, third]);
  expect(await followedPosition(database.primary)).toEqual({ transaction: 70n, id: 0n });

  await apply(chunk([grant(third)], { after: second, last: 71n }));
  await apply(batch(72n, [gameItemEvent({ gameItemId: second, ownerId, version: 5n })]));
  expect((await things(ownerId)).rows.map((row) => row.game_item_id)).toEqual([first, third]);
});

test('the age is absent until player-state was followed for the first time, and goes on growing within a snapshot', async () => {
  await database.asOwner('update follow_position set as_of = null, source_transaction = null, source_id = null');
  following = await beginFollowing(database.primary);
  const told = async () => {
    const postgres: Pick<PostgresNodes, 'read'> = { read: (work) => work(database.primary) };
    const age = await startFollowedAge({ postgres, find: followedAsOf, logger });
    await age.stop();
    return age.ms();
  };
  const middle = '80000000-0000-0000-0000-000000000000';
  await apply(chunk([], { through: middle }));
  expect(await told()).toBeUndefined();
  const ended = chunk([], { after: middle, last: 90n });
  await apply(ended);
  expect(await told()).toBeGreaterThanOrEqual(0);

  await forgetPosition(database.primary, following.epoch);
  await apply(chunk([], { through: middle }));
  expect(await followedAsOf(database.primary)).toEqual(timestampDate(ended.asOf!));
  const followed = batch(91n);
  await apply(chunk([], { after: middle, last: 90n }));
  await apply(followed);
  expect(await followedAsOf(database.primary)).toEqual(timestampDate(followed.asOf!));
});

test('an event that can never be applied is parked with its reason and holds nothing up', async () => {
  const [ownerId, gameItemId] = [randomUUID(), randomUUID()];
  const events = [
    gameItemEvent({ gameItemId: randomUUID(), ownerId, quantity: -1n }),
    gameItemEvent({ gameItemId: 'no-uuid', ownerId }),
    playerEvent(ownerId, 'nul \0 inside'),
    gameItemEvent({ gameItemId, ownerId }),
  ];
  expect(await apply(batch(80n, events))).toEqual({
    outcome: 'APPLIED',
    parked: 3,
    touched: { locationIds: [], playerIds: [ownerId] },
  });
  expect((await things(ownerId)).rows.map((row) => row.game_item_id)).toEqual([gameItemId]);
  const parked = await database.primary.pool.query('select reason from parked_events order by parked_event_id');
  expect(parked.rows.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('game_item_locations_quantity_check'),
    'game_item_id is no UUID',
    'a text has a NUL character',
  ]);
});
