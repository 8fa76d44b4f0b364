import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { WatchItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { batch, gameItemEvent } from '../test/events.ts';
import { openReplicaProcess } from '../test/replica-process.ts';
import type { ListingId } from './first-page.ts';
import { toStep } from './follow-step.ts';
import { applyStep, beginFollowing } from './repository/following.ts';
import { createLocation } from './repository/locations.ts';

const server = { subject: 'game-1', role: 'SERVER' } as const;
const [mill, tower] = [randomUUID(), randomUUID()] as [string, string];
type Process = Awaited<ReturnType<typeof openReplicaProcess>>;
let telemetry: Telemetry;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let one: Process;
let other: Process;
let epoch: bigint;
let number = 0n;

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

/** Grants things; `told`: the caches hear of it. */
async function grant(ownerId: string, count: number, { told = true, at }: { told?: boolean; at?: string } = {}) {
  const ids = Array.from({ length: count }, (): string => randomUUID());
  const events = ids.map((gameItemId) => gameItemEvent({ gameItemId, ownerId, ...(at && { grantedLocationId: at }) }));
  number += 1n;
  const { touched } = await applyStep(database.primary, { epoch, number, step: toStep(batch(number, events)) });
  if (told) await one.listings.changed(touched);
  return ids;
}

/** The steps of a watch. */
function watch(process: Process, listing: ListingId, fromVersion = 0n) {
  const steps = process.service.watchItemLocations(server, listing, fromVersion)[Symbol.asyncIterator]();
  const next = async () => fromBinary(WatchItemLocationsResponseSchema, (await steps.next()).value);
  return {
    next,
    /** The next step with at least this version; every one is newer than the one before. */
    async reach(version: bigint) {
      let last = fromVersion;
      for (;;) {
        const step = await next();
        if (step.version === 0n) continue;
        expect(step.version).toBeGreaterThan(last);
        last = step.version;
        if (step.version >= version) return step;
      }
    },
    leave: () => steps.return?.(),
  };
}

function move(process: Process, gameItemId: string, locationId: string) {
  const moves = [{ gameItemId, locationId, x: 0, y: 0, z: 0, expectedVersion: 0n }];
  return process.service.moveItems(server, randomUUID(), moves);
}

test('what there is comes at once, and then each change of a location or a player, whichever process makes it', async () => {
  const id = randomUUID();
  const [thing] = (await grant(id, 1, { at: mill })) as [string];
  const player = watch(one, { by: 'owner', id });
  const place = watch(other, { by: 'location', id: tower });
  expect((await player.reach(1n)).itemLocations.map((row) => row.gameItemId)).toEqual([thing]);
  expect(await place.next()).toMatchObject({ version: 0n, itemLocations: [] });
  await move(one, thing, tower);
  expect((await player.reach(2n)).itemLocations[0]).toMatchObject({ locationId: tower });
  expect((await place.reach(1n)).itemLocations.map((row) => row.gameItemId)).toEqual([thing]);
  await move(other, thing, mill);
  expect((await player.reach(3n)).itemLocations[0]).toMatchObject({ locationId: mill });
  expect((await place.reach(2n)).itemLocations).toEqual([]);
  await Promise.all([player.leave(), place.leave()]);
});

test('a watch resumes from a version: a heartbeat when nothing is newer, then what is', async () => {
  const id = randomUUID();
  await grant(id, 1);
  const ada = watch(one, { by: 'owner', id }, 1n);
  expect(await ada.next()).toMatchObject({ version: 0n, asOf: { $typeName: 'google.protobuf.Timestamp' } });
  await grant(id, 1);
  expect((await ada.reach(2n)).itemLocations).toHaveLength(2);
  await ada.leave();
});

test('a slow reader gets what there is when it asks again, and not what was in between', async () => {
  const id = randomUUID();
  await grant(id, 1);
  const slow = watch(one, { by: 'owner', id });
  await slow.reach(1n);
  const quick = watch(one, { by: 'owner', id });
  for (let version = 2n; version <= 10n; version += 1n) {
    await grant(id, 1);
    await quick.reach(version).catch(() => undefined);
  }
  const step = await slow.reach(10n);
  expect(step).toMatchObject({ version: 10n, itemLocations: { length: 10 } });
  await Promise.all([slow.leave(), quick.leave()]);
});

test('a change that nobody was told of is found', async () => {
  const id = randomUUID();
  await grant(id, 1);
  const ada = watch(one, { by: 'owner', id });
  await ada.reach(1n);
  await grant(id, 1, { told: false });
  expect((await ada.reach(2n)).itemLocations).toHaveLength(2);
  await ada.leave();
});

test('a listing of more than 100 things is sent in part, with the token of the rest', async () => {
  const id = randomUUID();
  await grant(id, 130);
  const ada = watch(one, { by: 'owner', id });
  const step = await ada.reach(1n);
  expect(step.itemLocations).toHaveLength(100);
  const { bytes } = await one.service.listItemLocations(
    server,
    { by: 'owner', value: id, pageSize: 100 },
    step.nextPageToken,
  );
  expect(fromBinary(WatchItemLocationsResponseSchema, bytes).itemLocations).toHaveLength(30);
  await ada.leave();
});
