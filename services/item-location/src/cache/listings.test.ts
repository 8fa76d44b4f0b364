import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { createCache } from '@realmkeep/kit/cache/cache';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { ListItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { batch, gameItemEvent, playerEvent } from '../../test/events.ts';
import { openReplicaProcess } from '../../test/replica-process.ts';
import { CACHED_PAGE_SIZES, newsVersion, toKey, WATCHED_PAGE_SIZE } from '../first-page.ts';
import { toStep } from '../follow-step.ts';
import { contentHash } from '../move-request.ts';
import { applyStep, beginFollowing } from '../repository/following.ts';
import { createLocation } from '../repository/locations.ts';
import { moveItems } from '../repository/moves.ts';
import { renameBatch } from '../repository/renames.ts';

const server = { subject: 'game-1', role: 'SERVER' } as const;
const [mill, tower] = [randomUUID(), randomUUID()] as [string, string];
type Process = Awaited<ReturnType<typeof openReplicaProcess>>;
let telemetry: Telemetry;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let one: Process;
let other: Process;
let epoch: bigint;
let number: bigint;

beforeAll(async () => {
  telemetry = await openTestTelemetry('item-location');
  database = await openTestDatabase();
  [one, other] = await Promise.all([openReplicaProcess(database, telemetry), openReplicaProcess(database, telemetry)]);
  await until(() => one.markers.complete && other.markers.complete, { what: 'the news of changes to be heard' });
  for (const locationId of [mill, tower]) {
    await createLocation(database.primary, { locationId, name: 'Place', areaCode: '111' });
  }
  ({ epoch, step: number } = await beginFollowing(database.primary));
});
afterAll(async () => {
  await Promise.all([one?.close(), other?.close()]);
  await database.close();
  await telemetry.close();
});

/** Follows in the first process. */
async function follow(...events: Parameters<typeof batch>[1] & object): Promise<void> {
  number += 1n;
  const { touched } = await applyStep(database.primary, { epoch, number, step: toStep(batch(number, events)) });
  await one.listings.changed(touched);
}

async function read(process: Process, by: 'owner' | 'location', value: string, pageSize = 20) {
  const { bytes, source } = await process.service.listItemLocations(server, { by, value, pageSize }, '');
  const { itemLocations } = fromBinary(ListItemLocationsResponseSchema, bytes);
  return { source, things: itemLocations, ids: itemLocations.map((thing) => thing.gameItemId).sort() };
}

function move(process: Process, gameItemId: string, locationId: string, requestId = randomUUID() as string) {
  const moves = [{ gameItemId, locationId, x: 0, y: 0, z: 0, expectedVersion: 0n }];
  return process.service.moveItems(server, requestId, moves);
}

async function granted(ownerId: string, count: number, grantedLocationId?: string): Promise<string[]> {
  const ids = Array.from({ length: count }, (): string => randomUUID()).sort();
  await follow(
    ...ids.map((gameItemId) => gameItemEvent({ gameItemId, ownerId, ...(grantedLocationId && { grantedLocationId }) })),
  );
  return ids;
}

test('a first page is read from Postgres once, and from then on from memory here and from Redis elsewhere', async () => {
  const ownerId = randomUUID();
  const ids = await granted(ownerId, 3);
  const first = await read(one, 'owner', ownerId);
  expect(first.ids).toEqual(ids);
  expect((await read(one, 'owner', ownerId)).source).toBe('l1');
  await until(async () => (await read(other, 'owner', ownerId)).source !== 'replica', {
    what: 'the page to be shared',
  });
  expect((await read(other, 'owner', ownerId)).ids).toEqual(ids);
});

test.each([20, 100])(
  'a move is in the first pages of %i of both locations and of the player: here at once, elsewhere in a moment',
  async (pageSize) => {
    const ownerId = randomUUID();
    const [thing] = (await granted(ownerId, 1, mill)) as [string];
    for (const process of [one, other]) {
      for (const [by, value] of [
        ['owner', ownerId],
        ['location', mill],
        ['location', tower],
      ] as const) {
        await read(process, by, value, pageSize);
      }
    }
    for (const [index, to] of [tower, mill, tower].entries()) {
      const [writer, reader] = index % 2 ? [other, one] : [one, other];
      const from = to === tower ? mill : tower;
      await move(writer, thing, to);
      expect((await read(writer, 'location', to, pageSize)).ids).toContain(thing);
      expect((await read(writer, 'location', from, pageSize)).ids).not.toContain(thing);
      expect((await read(writer, 'owner', ownerId, pageSize)).things[0]?.locationId).toBe(to);
      const arrived = async () =>
        (await read(reader, 'location', to, pageSize)).ids.includes(thing) &&
        !(await read(reader, 'location', from, pageSize)).ids.includes(thing) &&
        (await read(reader, 'owner', ownerId, pageSize)).things[0]?.locationId === to;
      await until(arrived, { what: 'the other process to show the move' });
    }
  },
);

test('what is followed and renamed is in the first pages, and nobody goes back to what was before', async () => {
  const ownerId = randomUUID();
  await granted(ownerId, 2, mill);
  await follow(playerEvent(ownerId, 'Ada 1'));
  const seen: number[] = [];
  let going = true;
  const reading = [one, other].map(async (process) => {
    let last = 0;
    while (going) {
      // What is at hand is answered at once: others have to have their turn.
      await turn();
      const name = (await read(process, 'owner', ownerId)).things[0]?.ownerName || 'Ada 0';
      const version = Number(name.split(' ')[1]);
      if (version < last) seen.push(version);
      last = version;
    }
  });
  for (let version = 2n; version <= 20n; version += 1n) {
    await follow(playerEvent(ownerId, `Ada ${version}`, version));
    for (;;) {
      const renamed = await renameBatch(database.primary, 100);
      await one.listings.changed(renamed);
      if (renamed.pending === 0) break;
    }
    expect((await read(one, 'owner', ownerId)).things.map((thing) => thing.ownerName)).toEqual([
      `Ada ${version}`,
      `Ada ${version}`,
    ]);
  }
  const caughtUp = async () => (await read(other, 'owner', ownerId)).things[0]?.ownerName === 'Ada 20';
  await until(caughtUp, { what: 'the other process to show the last name' });
  going = false;
  await Promise.all(reading);
  expect(seen).toEqual([]);
});

test('the repeat of a move whose writer died before it told the caches tells them', async () => {
  const ownerId = randomUUID();
  const [thing] = (await granted(ownerId, 1, mill)) as [string];
  await read(other, 'location', mill);
  await read(other, 'location', tower);
  const requestId = randomUUID();
  const moves = [{ gameItemId: thing, locationId: tower, x: 0, y: 0, z: 0, expectedVersion: 0n }];
  const request = { requestId, contentHash: contentHash(undefined, moves), mover: undefined, moves };
  await moveItems(database.primary, request);
  expect((await read(other, 'location', mill)).ids).toContain(thing);

  expect((await move(other, thing, tower, requestId)).replayed).toBe(true);
  expect((await read(other, 'location', mill)).ids).not.toContain(thing);
  expect((await read(other, 'location', tower)).ids).toContain(thing);
});

test('a follower that takes over tells of the last step once more', async () => {
  const ownerId = randomUUID();
  await granted(ownerId, 1);
  await read(other, 'owner', ownerId);
  number += 1n;
  const late = gameItemEvent({ gameItemId: randomUUID(), ownerId });
  await applyStep(database.primary, { epoch, number, step: toStep(batch(number, [late])) });
  const next = await beginFollowing(database.primary);
  expect(next.touched.playerIds).toEqual([ownerId]);
  ({ epoch } = next);
  await other.listings.changed(next.touched);
  expect((await read(other, 'owner', ownerId)).ids).toHaveLength(2);
});

test('a change is told once the page that watches are sent has left the memory, whichever page’s news comes first', async () => {
  // Nobody has told of this listing before.
  const id = randomUUID();
  const pages = CACHED_PAGE_SIZES.map((pageSize) => ({ by: 'owner' as const, id, pageSize }));
  for (const { pageSize } of pages) await read(other, 'owner', id, pageSize);
  const told: { watchedPage: unknown }[] = [];
  const watched = { by: 'owner' as const, id, pageSize: WATCHED_PAGE_SIZE };
  const deaf = other.listings.onChange((listing) => {
    if (listing.id === id) told.push({ watchedPage: other.listings.peek(watched) });
  });
  const elsewhere = createCache({
    ...one.levels,
    name: 'item-location',
    noun: 'page',
    fetchMany: async () => new Map(),
  });
  for (const page of pages.toSorted((a, b) => a.pageSize - b.pageSize)) {
    await elsewhere.put(toKey(page), { bytes: new Uint8Array(0), version: newsVersion(2n), asOf: Date.now() });
    await until(() => other.listings.peek(page) === undefined, { what: `the news of the page of ${page.pageSize}` });
    expect(told).toHaveLength(page.pageSize === WATCHED_PAGE_SIZE ? 1 : 0);
  }
  expect(told).toEqual([{ watchedPage: undefined }]);
  deaf();
  elsewhere.close();
});
