import { randomUUID } from 'node:crypto';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { batch, catalogEvent, gameItemEvent, playerEvent } from '../../test/events.ts';
import { reads } from '../../test/plans.ts';
import { toStep } from '../follow-step.ts';
import { createRenameMetrics } from '../rename-metrics.ts';
import { applyStep, beginFollowing } from './following.ts';
import { createLocation, findLocation, updateLocation } from './locations.ts';
import { moveItems } from './moves.ts';
import { renameBatch } from './renames.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let epoch: bigint;
let number: bigint;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  ({ epoch, step: number } = await beginFollowing(database.primary));
});

async function apply(...events: Parameters<typeof batch>[1] & object): Promise<void> {
  number += 1n;
  await applyStep(database.primary, { epoch, number, step: toStep(batch(number, events)) });
}

async function renameAll(): Promise<void> {
  while ((await renameBatch(database.primary, 7)).pending > 0);
}

async function rename(locationId: string, name: string, areaCode?: string): Promise<void> {
  const location = await findLocation(database.primary, locationId);
  await updateLocation(database.primary, location!, { name, ...(areaCode && { areaCode }) });
}

function grant(itemId: string, count: number, more: { ownerId?: string; grantedLocationId?: string } = {}) {
  const ownerId = randomUUID() as string;
  return Array.from({ length: count }, () => gameItemEvent({ gameItemId: randomUUID(), ownerId, itemId, ...more }));
}

async function rows<R extends object>(text: string, ...values: unknown[]): Promise<R[]> {
  return (await database.primary.pool.query<R>(text, values)).rows;
}

test('a rename of many rows is done in bounded batches, shows how far it is, and changes each row once', async () => {
  const itemId = `gem-${randomUUID()}`;
  await apply(catalogEvent(itemId, 'Gem'), ...grant(itemId, 50));
  expect(await rows('select * from renames')).toEqual([]);
  await apply(catalogEvent(itemId, 'Jewel', 2n));

  const shown = () =>
    rows<{ item_name: string; version: string; n: number }>(
      'select item_name, version, count(*)::int as n from game_item_locations where item_id = $1 group by 1, 2 order by 1',
      itemId,
    );
  expect(await renameBatch(database.primary, 20)).toMatchObject({ renamed: 20, pending: 1 });
  // Whoever comes next, this process or another one, goes on from here.
  expect(await rows('select noun, rows_done, rows_left from rename_progress')).toEqual([
    { noun: 'item', rows_done: '20', rows_left: '30' },
  ]);
  expect(await shown()).toEqual([
    { item_name: 'Gem', version: '1', n: 30 },
    { item_name: 'Jewel', version: '2', n: 20 },
  ]);
  await apply(...grant(itemId, 5));
  await renameAll();
  expect(await shown()).toEqual([
    { item_name: 'Jewel', version: '1', n: 5 },
    { item_name: 'Jewel', version: '2', n: 50 },
  ]);
  expect(await renameBatch(database.primary, 20)).toMatchObject({ renamed: 0, pending: 0 });
});

test('a name that changes again while rows follow it begins again, and the newest one is shown', async () => {
  const itemId = `gem-${randomUUID()}`;
  await apply(catalogEvent(itemId, 'One'), ...grant(itemId, 30));
  await apply(catalogEvent(itemId, 'Two', 2n));
  await renameBatch(database.primary, 10);
  await apply(catalogEvent(itemId, 'Three', 3n));
  await renameAll();
  const names = await rows('select distinct item_name from game_item_locations where item_id = $1', itemId);
  expect(names).toEqual([{ item_name: 'Three' }]);
});

test('a small rename is done while a large one that began before it goes on: they take turns', async () => {
  const [ownerId, itemId] = [randomUUID() as string, `gem-${randomUUID()}`];
  await apply(
    catalogEvent(itemId, 'Gem'),
    playerEvent(ownerId, 'Ada'),
    ...grant(itemId, 60),
    ...grant('gem', 15, { ownerId }),
  );
  await apply(catalogEvent(itemId, 'Jewel', 2n));
  await renameBatch(database.primary, 10);
  await apply(playerEvent(ownerId, 'Eve', 2n));
  for (let batches = 0; batches < 4; batches += 1) await renameBatch(database.primary, 10);
  const old = (noun: 'item' | 'owner', id: string, name: string) =>
    rows(`select 1 from game_item_locations where ${noun}_id = $1 and ${noun}_name = $2`, id, name);
  expect(await old('owner', ownerId, 'Ada')).toEqual([]);
  expect(await old('item', itemId, 'Gem')).toHaveLength(30);
  await renameAll();
  expect(await old('item', itemId, 'Gem')).toEqual([]);
});

test('a rename raises the versions of the listings whose rows it changes, of players and of locations', async () => {
  const [ownerId, locationId, itemId] = [randomUUID() as string, randomUUID() as string, `gem-${randomUUID()}`];
  await createLocation(database.primary, { locationId, name: 'Mill', areaCode: '111' });
  await apply(playerEvent(ownerId, 'Ada'), ...grant(itemId, 3, { ownerId, grantedLocationId: locationId }));
  const versions = () =>
    rows(
      `select (select version from player_versions where player_id = $1) as owner,
        (select version from location_versions where location_id = $2) as location`,
      ownerId,
      locationId,
    );
  expect(await versions()).toEqual([{ owner: '1', location: '1' }]);
  await apply(playerEvent(ownerId, 'Eve', 2n));
  await renameAll();
  expect(await versions()).toEqual([{ owner: '2', location: '2' }]);
  await rename(locationId, 'Tower', '112');
  await renameAll();
  expect(await versions()).toEqual([{ owner: '3', location: '3' }]);
  const shown = await rows(
    'select distinct owner_name, location_name, area_code from game_item_locations where owner_id = $1',
    ownerId,
  );
  expect(shown).toEqual([{ owner_name: 'Eve', location_name: 'Tower', area_code: '112' }]);
});

test('no row stays with an old name when things are granted and moved while locations are renamed', async () => {
  const locations = Array.from({ length: 3 }, (): string => randomUUID());
  for (const locationId of locations) {
    await createLocation(database.primary, { locationId, name: 'First', areaCode: '1' });
  }
  const itemId = `gem-${randomUUID()}`;
  const things = grant(itemId, 60, { grantedLocationId: locations[0]! });
  await apply(...things);
  const ids = things.map(({ event }) => (event.case === 'gameItem' ? event.value.gameItemId : ''));
  let going = true;
  const moving = async (mine: string[]) => {
    for (let round = 0; going; round += 1) {
      const moves = mine.map((gameItemId, index) => ({
        gameItemId,
        locationId: locations[(index + round) % 3]!,
        x: 0,
        y: 0,
        z: 0,
        expectedVersion: 0n,
      }));
      const request = { requestId: randomUUID(), contentHash: Buffer.alloc(32), mover: undefined, moves };
      await moveItems(database.primary, request);
    }
  };
  const granting = async () => {
    for (let round = 0; going; round += 1) {
      await apply(...grant(itemId, 3, { grantedLocationId: locations[round % 3]! }));
    }
  };
  const renaming = async () => {
    while (going) await renameBatch(database.primary, 7);
  };
  const busy = [moving(ids.slice(0, 30)), moving(ids.slice(20)), granting(), renaming(), renaming()];
  for (let round = 0; round < 30; round += 1) {
    await rename(locations[round % 3]!, `Name ${round}`, `${round}`);
  }
  going = false;
  await Promise.all(busy);
  await renameAll();
  const wrong = await rows(
    `select g.location_name, l.name from game_item_locations g join locations l using (location_id)
     where (g.location_name, g.area_code, g.location_version) is distinct from (l.name, l.area_code, l.version)`,
  );
  expect(wrong).toEqual([]);
});

/** Brings the thing to what player-state says of it, as `npm run verify -- --repair` does. */
async function repair(gameItemId: string, state: { ownerId: string; owner: string; itemId: string; item: string }) {
  const states = [
    {
      game_item_id: gameItemId,
      version: 1,
      quantity: 1,
      owner_id: state.ownerId,
      owner_name: state.owner,
      owner_name_version: 2,
      item_id: state.itemId,
      item_name: state.item,
      item_kind: 'weapon',
      item_version: 2,
    },
  ];
  await database.asOwner(`select repair_item_locations('${JSON.stringify(states)}', '{}')`);
}

test('repairing one row of a renamed player or item has the other rows follow, though the event is not newer then', async () => {
  const [ownerId, itemId] = [randomUUID() as string, `gem-${randomUUID()}`];
  const things = grant(itemId, 3, { ownerId });
  await apply(playerEvent(ownerId, 'Ada'), catalogEvent(itemId, 'Gem'), ...things);
  const { event } = things[0]!;
  await repair(event.case === 'gameItem' ? event.value.gameItemId : '', {
    ownerId,
    owner: 'Eve',
    itemId,
    item: 'Jewel',
  });
  await apply(playerEvent(ownerId, 'Eve', 2n), catalogEvent(itemId, 'Jewel', 2n));
  await renameAll();
  const shown = await rows(
    'select owner_name, item_name, version, count(*)::int as n from game_item_locations where owner_id = $1 group by 1, 2, 3 order by 3',
    ownerId,
  );
  // The repaired row once, the others once for each name.
  expect(shown).toEqual([
    { owner_name: 'Eve', item_name: 'Jewel', version: '2', n: 1 },
    { owner_name: 'Eve', item_name: 'Jewel', version: '3', n: 2 },
  ]);
});

test('a batch finds its rows by the index of their listing, in their order', async () => {
  const ownerId = randomUUID();
  await apply(playerEvent(ownerId, 'Ada'), ...grant('gem', 30, { ownerId }));
  await apply(playerEvent(ownerId, 'Eve', 2n));
  const read = await reads(database, (node) => renameBatch(node, 10));
  expect(read.filter((name) => /^(all|a sort) of/.test(name))).toEqual([]);
  expect(read).toContain('game_item_locations_by_owner');
});

test('a process that finds another at work on the renames does none, and reports how many there are', async () => {
  const telemetry = await openTestTelemetry('item-location');
  const metrics = createRenameMetrics(telemetry.meter);
  const pending = async () => {
    const response = await fetch(`http://127.0.0.1:${telemetry.metricsPort}/metrics`, {
      headers: { connection: 'close' },
    });
    return /item_location_rename_pending(?:\{[^}]*\})? (\d+)/.exec(await response.text())?.[1];
  };
  await renameAll();
  const itemId = `gem-${randomUUID()}`;
  await apply(catalogEvent(itemId, 'Gem'), ...grant(itemId, 5));
  await apply(catalogEvent(itemId, 'Jewel', 2n));
  await database.primary.transaction(async (other) => {
    await other.query('select pg_advisory_xact_lock(5350054)');
    const none = await renameBatch(database.primary, 7);
    expect(none).toMatchObject({ renamed: 0, pending: 0, begun: 1 });
    metrics.done(none);
    expect(await pending()).toBe('1');
  });
  await renameAll();
  metrics.done(await renameBatch(database.primary, 7));
  expect(await pending()).toBe('0');
  await telemetry.close();
});
