import { randomUUID } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { MAX_MESSAGE_BYTES } from '@realmkeep/kit/server/encode';
import {
  ItemLocationService,
  MoveItemsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import {
  ListLocationsResponseSchema,
  LocationService,
} from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { type KeyFiles, writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp } from '../test/app.ts';
import { openTestDatabase } from '../test/database.ts';
import { catalogEvent, gameItemEvent, playerEvent } from '../test/events.ts';
import { responseHeaders } from '../test/response-headers.ts';
import { startSource } from '../test/source.ts';

const [ada, bob, mill, sword, shield] = Array.from({ length: 5 }, () => randomUUID()) as [
  string,
  string,
  string,
  string,
  string,
];
const ROLES = {
  anyone: undefined,
  player: { role: 'player', subject: ada },
  server: { role: 'server', subject: 'game-1' },
  admin: { role: 'admin', subject: 'ops' },
  service: { role: 'service', subject: 'player-state' },
} as const;
let keys: KeyFiles;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let source: Awaited<ReturnType<typeof startSource>>;
let app: Awaited<ReturnType<typeof startTestApp>>;

/** Clients of the three services, called as somebody. */
function clients(as: keyof typeof ROLES) {
  return {
    things: app.client(ItemLocationService, ROLES[as]),
    locations: app.client(LocationService, ROLES[as]),
    players: app.client(PlayerItemLocationService, ROLES[as]),
  };
}
let as: Record<keyof typeof ROLES, ReturnType<typeof clients>>;

beforeAll(async () => {
  keys = await writeKeys();
  [database, source] = await Promise.all([openTestDatabase(), startSource(keys)]);
  app = await startTestApp({ database, keys, playerStateAddress: source.address });
  as = {
    anyone: clients('anyone'),
    player: clients('player'),
    server: clients('server'),
    admin: clients('admin'),
    service: clients('service'),
  };
  await as.admin.locations.createLocation({ locationId: mill, name: 'Old mill', areaCode: '111' });
  source.commit(playerEvent(ada, 'Ada'), playerEvent(bob, 'Bob'), catalogEvent('iron-sword', 'Iron sword'));
  source.commit(
    gameItemEvent({ gameItemId: sword, ownerId: ada, grantedLocationId: mill }),
    gameItemEvent({ gameItemId: shield, ownerId: bob }),
  );
  await until(async () => (await found(shield)) !== undefined, { what: 'the things to be followed' });
  await database.replicated();
});
afterAll(async () => {
  await app.stop();
  await source.stop();
  await database.close();
  await keys.remove();
});

async function found(gameItemId: string) {
  return (await as.server.things.getItemLocation({ gameItemId })).itemLocation;
}

/** What became of a call: OK, or the reason of its refusal. */
function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error: { reason?: string }) => error.reason ?? String(error),
  );
}

async function firstOf<T>(stream: AsyncIterable<T>): Promise<T | undefined> {
  for await (const step of stream) return step;
  return undefined;
}

const position = { x: 1, y: 2, z: 3 };
type Clients = ReturnType<typeof clients>;
const CALLS: Record<string, (on: Clients) => Promise<unknown>> = {
  'GetItemLocation of its own thing': ({ things }) => things.getItemLocation({ gameItemId: sword }),
  'GetItemLocation of another’s thing': ({ things }) => things.getItemLocation({ gameItemId: shield }),
  'BatchGetItemLocations of its own thing': ({ things }) => things.batchGetItemLocations({ gameItemIds: [sword] }),
  'BatchGetItemLocations of another’s thing': ({ things }) =>
    things.batchGetItemLocations({ gameItemIds: [sword, shield] }),
  SearchItemLocations: ({ things }) => things.searchItemLocations({ query: 'iron' }),
  NearbyItemLocations: ({ things }) => things.nearbyItemLocations({ areaCode: '111' }),
  'ListItemLocations of its own': ({ things }) => things.listItemLocations({ playerId: ada.toUpperCase() }),
  'ListItemLocations of another player': ({ things }) => things.listItemLocations({ playerId: bob }),
  'ListItemLocations of a location': ({ things }) => things.listItemLocations({ locationId: mill }),
  'ListItemLocations of an area': ({ things }) => things.listItemLocations({ areaCode: '111' }),
  'ListItemLocations of an item': ({ things }) => things.listItemLocations({ itemId: 'iron-sword' }),
  'WatchItemLocations of itself': ({ things }) => firstOf(things.watchItemLocations({ playerId: ada.toUpperCase() })),
  'WatchItemLocations of another player': ({ things }) => firstOf(things.watchItemLocations({ playerId: bob })),
  'WatchItemLocations of a location': ({ things }) => firstOf(things.watchItemLocations({ locationId: mill })),
  'MoveItems of its own thing': ({ things }) =>
    things.moveItems({ requestId: randomUUID(), moves: [{ gameItemId: sword, locationId: mill, position }] }),
  'MoveItems of another’s thing': ({ things }) =>
    things.moveItems({ requestId: randomUUID(), moves: [{ gameItemId: shield, locationId: mill, position }] }),
  CreateLocation: ({ locations }) =>
    locations.createLocation({ locationId: randomUUID(), name: 'Tower', areaCode: '112' }),
  UpdateLocation: ({ locations }) => locations.updateLocation({ locationId: mill, name: 'Old mill' }),
  GetLocation: ({ locations }) => locations.getLocation({ locationId: mill }),
  ListLocations: ({ locations }) => locations.listLocations({}),
  GetPlayerItemLocations: ({ players }) => players.getPlayerItemLocations({ playerId: ada }),
};
const denied = 'ROLE_NOT_ALLOWED';
const OUTCOMES: Record<keyof typeof CALLS, string[]> = {
  // As a player, a server, an admin, a service.
  'GetItemLocation of its own thing': ['OK', 'OK', 'OK', denied],
  'GetItemLocation of another’s thing': ['NOT_OWNER', 'OK', 'OK', denied],
  'BatchGetItemLocations of its own thing': ['OK', 'OK', 'OK', denied],
  'BatchGetItemLocations of another’s thing': ['NOT_OWNER', 'OK', 'OK', denied],
  SearchItemLocations: [denied, 'OK', 'OK', denied],
  NearbyItemLocations: ['OK', 'OK', 'OK', denied],
  'ListItemLocations of its own': ['OK', 'OK', 'OK', denied],
  'ListItemLocations of another player': ['FILTER_NOT_ALLOWED', 'OK', 'OK', denied],
  'ListItemLocations of a location': ['OK', 'OK', 'OK', denied],
  'ListItemLocations of an area': ['FILTER_NOT_ALLOWED', 'OK', 'OK', denied],
  'ListItemLocations of an item': ['FILTER_NOT_ALLOWED', 'OK', 'OK', denied],
  'WatchItemLocations of itself': ['OK', 'OK', 'OK', denied],
  'WatchItemLocations of another player': ['FILTER_NOT_ALLOWED', 'OK', 'OK', denied],
  'WatchItemLocations of a location': ['OK', 'OK', 'OK', denied],
  'MoveItems of its own thing': ['OK', 'OK', 'OK', denied],
  'MoveItems of another’s thing': ['NOT_OWNER', 'OK', 'OK', denied],
  CreateLocation: [denied, denied, 'OK', denied],
  UpdateLocation: [denied, denied, 'OK', denied],
  GetLocation: ['OK', 'OK', 'OK', denied],
  ListLocations: ['OK', 'OK', 'OK', denied],
  GetPlayerItemLocations: [denied, denied, denied, 'OK'],
};

test.each(Object.keys(CALLS))('%s is for those whom the contract names', async (name) => {
  const call = CALLS[name]!;
  const roles = [as.player, as.server, as.admin, as.service];
  expect(await Promise.all(roles.map((clients) => outcome(call(clients))))).toEqual(OUTCOMES[name]);
  expect(await outcome(call(as.anyone))).toBe('TOKEN_MISSING');
});

describe('answers', () => {
  test('a thing is shown whole, with its names and its place', async () => {
    expect(await found(sword)).toMatchObject({
      gameItemId: sword,
      itemId: 'iron-sword',
      itemName: 'Iron sword',
      itemKind: 'weapon',
      quantity: 1n,
      ownerId: ada,
      ownerName: 'Ada',
      locationId: mill,
      locationName: 'Old mill',
      areaCode: '111',
      position: expect.objectContaining({ x: expect.any(Number) }),
      sourceVersion: 1n,
    });
    const own = await as.service.players.getPlayerItemLocations({ playerId: ada });
    expect(own).toMatchObject({
      itemLocations: [{ gameItemId: sword }],
      asOf: { $typeName: 'google.protobuf.Timestamp' },
    });
  });

  test('a player’s things that pass 2 MB together are cut by id, and the answer says so', async () => {
    const hoarder = randomUUID();
    await database.asOwner(`insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version,
        quantity, owner_id, owner_name, owner_name_version, location_name, area_code, source_version, consumed)
      select gen_random_uuid(), 'gem', repeat('💎', 255), repeat('💎', 255), 1, 1, '${hoarder}', repeat('💎', 255), 1, '', '',
        1, false from generate_series(1, 1500)`);
    await database.replicated();
    const kept = await as.service.players.getPlayerItemLocations({ playerId: hoarder });
    expect(kept.truncated).toBe(true);
    const { itemLocations } = await as.server.things.listItemLocations({ playerId: hoarder, pageSize: 1000 });
    const ids = itemLocations.map((thing) => thing.gameItemId);
    expect(ids.length).toBeGreaterThan(600);
    expect(kept.itemLocations.map((thing) => thing.gameItemId)).toEqual(ids);
    expect(await as.service.players.getPlayerItemLocations({ playerId: ada })).toMatchObject({ truncated: false });
  });

  test('things are read many at once in the order asked, and those that are not known are listed', async () => {
    const unknown = randomUUID();
    const answer = await as.server.things.batchGetItemLocations({
      gameItemIds: [shield.toUpperCase(), unknown, sword],
    });
    expect(answer.itemLocations.map((thing) => thing.gameItemId)).toEqual([shield, sword]);
    expect(answer).toMatchObject({ missingGameItemIds: [unknown], asOf: { $typeName: 'google.protobuf.Timestamp' } });
  });

  test('things are found by a name and near a point', async () => {
    const { itemLocations } = await as.server.things.searchItemLocations({ query: ' iron SW' });
    expect(itemLocations.map((thing) => thing.gameItemId).sort()).toEqual([sword, shield].sort());
    const { nearby } = await as.player.things.nearbyItemLocations({ areaCode: '111', x: 0, y: 0, z: 0 });
    expect(nearby.map(({ itemLocation }) => itemLocation?.gameItemId)).toContain(sword);
    expect(nearby[0]).toMatchObject({ itemLocation: { areaCode: '111' }, distance: expect.any(Number) });
  });

  test('headers say where an answer came from, how old it and the news of player-state are, and its version', async () => {
    const token = await keys.tokens.token(ROLES.server);
    const headers = await responseHeaders(app.address, { gameItemId: sword, token });
    expect(headers).toMatchObject({
      'realmkeep-source': 'replica',
      'realmkeep-age-ms': expect.stringMatching(/^\d+$/),
      'realmkeep-followed-age-ms': expect.stringMatching(/^\d+$/),
      'realmkeep-version': expect.stringMatching(/^\d+$/),
    });
  });

  test('pages are read from whichever node has come far enough, each thing once', async () => {
    const itemId = `gem-${randomUUID()}`;
    const gems = Array.from({ length: 30 }, (): string => randomUUID()).sort();
    source.commit(...gems.map((gameItemId) => gameItemEvent({ gameItemId, ownerId: ada, itemId })));
    await until(async () => (await found(gems[29]!)) !== undefined, { what: 'the gems to be followed' });
    await database.replicated();
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await as.server.things.listItemLocations({ itemId, pageSize: 7, pageToken });
      seen.push(...page.itemLocations.map((thing) => thing.gameItemId));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(seen).toEqual(gems);
  });

  test('creating a location twice is one creation, and other content is refused', async () => {
    const location = { locationId: randomUUID(), name: 'Bridge', areaCode: '113' };
    const first = await as.admin.locations.createLocation(location);
    expect(await as.admin.locations.createLocation(location)).toEqual(first);
    expect(first.location).toMatchObject({ ...location, version: 1n });
    const other = as.admin.locations.createLocation({ ...location, name: 'Gate' });
    await expect(other).rejects.toMatchObject({ reason: 'LOCATION_ID_REUSED' });
  });

  test('a location is changed, once, and the things there follow; a repeat of its creation still answers it', async () => {
    const location = { locationId: randomUUID(), name: 'Bridge', areaCode: '113' };
    const created = await as.admin.locations.createLocation(location);
    const gameItemId = randomUUID();
    source.commit(gameItemEvent({ gameItemId, ownerId: ada, grantedLocationId: location.locationId }));
    await until(async () => (await found(gameItemId)) !== undefined, { what: 'the thing to be followed' });

    const change = { locationId: location.locationId, name: 'Broken bridge', expectedVersion: 1n };
    const { location: changed } = await as.admin.locations.updateLocation(change);
    expect(changed).toMatchObject({ name: 'Broken bridge', areaCode: '113', version: 2n });
    expect(await as.admin.locations.updateLocation(change)).toEqual({
      ...created,
      location: changed,
      $typeName: expect.any(String),
    });
    const stale = as.admin.locations.updateLocation({ ...change, name: 'Gone', areaCode: '114' });
    await expect(stale).rejects.toMatchObject({ reason: 'VERSION_MISMATCH' });
    const unknown = as.admin.locations.updateLocation({ locationId: randomUUID(), name: 'x' });
    await expect(unknown).rejects.toMatchObject({ reason: 'LOCATION_NOT_FOUND' });
    expect(await as.admin.locations.createLocation(location)).toEqual(created);

    const shown = async () => (await found(gameItemId))?.locationName === 'Broken bridge';
    await until(shown, { what: 'the thing to show the new name' });
  });

  test('locations are listed by id, of one area or of all, page by page', async () => {
    const ids = Array.from({ length: 5 }, (): string => randomUUID()).sort();
    for (const locationId of ids) {
      await as.admin.locations.createLocation({ locationId, name: 'Room', areaCode: 'castle' });
    }
    await database.replicated();
    const { locations } = as.server;
    const first = await locations.listLocations({ areaCode: 'castle', pageSize: 3 });
    const second = await locations.listLocations({ areaCode: 'castle', pageSize: 3, pageToken: first.nextPageToken });
    expect([...first.locations, ...second.locations].map((location) => location.locationId)).toEqual(ids);
    expect(second.nextPageToken).toBe('');
    const elsewhere = locations.listLocations({ areaCode: '111', pageToken: first.nextPageToken });
    await expect(elsewhere).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    await expect(locations.getLocation({ locationId: randomUUID() })).rejects.toMatchObject({
      reason: 'LOCATION_NOT_FOUND',
    });
  });
});

describe('answers at their greatest', () => {
  const longest = '💎'.repeat(255);

  test('a page of locations that would pass 2 MB is cut by id, and the next one goes on after it', async () => {
    const areaCode = '🏰'.repeat(255);
    await database.asOwner(`insert into locations (location_id, name, area_code)
      select gen_random_uuid(), '${longest}', '${areaCode}' from generate_series(1, 1000)`);
    await database.replicated();
    const page = (pageToken = '') => as.player.locations.listLocations({ areaCode, pageSize: 1000, pageToken });
    const first = await page();
    const bytes = toBinary(ListLocationsResponseSchema, first).length;
    expect(bytes).toBeGreaterThan(1_990_000);
    expect(bytes).toBeLessThan(2_000_000 + 1_024);
    const second = await page(first.nextPageToken);
    expect(second.nextPageToken).toBe('');
    const ids = [...first.locations, ...second.locations].map(({ locationId }) => locationId);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toHaveLength(1000);
  });

  test('500 moves of the longest names are answered whole, with at most 2.8 MB', async () => {
    const [hoarder, vault] = [randomUUID(), randomUUID()];
    await as.admin.locations.createLocation({ locationId: vault, name: longest, areaCode: longest });
    await database.asOwner(`insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version,
        quantity, owner_id, owner_name, owner_name_version, location_name, area_code, version, source_version, consumed)
      select ('${hoarder.slice(0, 24)}' || lpad(to_hex(n), 12, '0'))::uuid, repeat('g', 128), '${longest}', '${longest}', 1,
        9223372036854775807, '${hoarder}', '${longest}', 1, '', '', 9223372036854775800, 9223372036854775807, false
      from generate_series(1, 500) n`);
    const moves = Array.from({ length: 500 }, (_, index) => ({
      gameItemId: `${hoarder.slice(0, 24)}${(index + 1).toString(16).padStart(12, '0')}`,
      locationId: vault,
      position: { x: -1.2345678901234568e-300, y: -1.2345678901234568e-300, z: -1.2345678901234568e-300 },
    }));
    const answer = await as.server.things.moveItems({ requestId: randomUUID(), moves });
    expect(answer.itemLocations.map(({ gameItemId }) => gameItemId)).toEqual(moves.map(({ gameItemId }) => gameItemId));
    expect(answer.itemLocations[499]).toMatchObject({ locationName: longest, areaCode: longest, itemName: longest });
    const bytes = toBinary(MoveItemsResponseSchema, answer).length;
    expect(bytes).toBeGreaterThan(2_700_000);
    expect(bytes).toBeLessThan(2_800_000);
    expect(bytes).toBeLessThan(MAX_MESSAGE_BYTES);
  });
});

describe('requests that break a rule', () => {
  const wrong: [string, (on: Clients) => Promise<unknown>][] = [
    ['no filter', ({ things }) => things.listItemLocations({})],
    ['a watch of nothing', ({ things }) => firstOf(things.watchItemLocations({}))],
    ['a watch of two', ({ things }) => firstOf(things.watchItemLocations({ playerId: ada, locationId: mill }))],
    ['two filters', ({ things }) => things.listItemLocations({ playerId: ada, areaCode: '111' })],
    ['a page of 1,001', ({ things }) => things.listItemLocations({ playerId: ada, pageSize: 1001 })],
    ['an area to list with a NUL in it', ({ things }) => things.listItemLocations({ areaCode: '1\0' })],
    ['an item to list with a NUL in it', ({ things }) => things.listItemLocations({ itemId: 'gem\0' })],
    ['an area to look around in with a NUL in it', ({ things }) => things.nearbyItemLocations({ areaCode: '1\0' })],
    ['an area of locations with a NUL in it', ({ locations }) => locations.listLocations({ areaCode: '1\0' })],
    ['a wrong UUID', ({ things }) => things.getItemLocation({ gameItemId: 'sword' })],
    ['a search for nothing', ({ things }) => things.searchItemLocations({ query: '' })],
    ['a search for spaces', ({ things }) => things.searchItemLocations({ query: '   ' })],
    [
      'a search for spaces of other scripts',
      ({ things }) => things.searchItemLocations({ query: '\u00a0\u3000\ufeff' }),
    ],
    ['a search for 256 characters', ({ things }) => things.searchItemLocations({ query: 'x'.repeat(256) })],
    ['a point that is not finite', ({ things }) => things.nearbyItemLocations({ areaCode: '111', x: Number.NaN })],
    [
      '251 things at once',
      ({ things }) => things.batchGetItemLocations({ gameItemIds: Array.from({ length: 251 }, () => randomUUID()) }),
    ],
    ['no moves', ({ things }) => things.moveItems({ requestId: randomUUID() })],
    [
      'a name with a control character',
      ({ locations }) => locations.createLocation({ locationId: randomUUID(), name: 'a\nb', areaCode: '1' }),
    ],
    [
      'a thing moved twice',
      ({ things }) =>
        things.moveItems({
          requestId: randomUUID(),
          moves: [sword, sword].map((gameItemId) => ({ gameItemId, locationId: mill })),
        }),
    ],
    [
      'a place that is not finite',
      ({ things }) =>
        things.moveItems({
          requestId: randomUUID(),
          moves: [{ gameItemId: sword, locationId: mill, position: { x: Number.NaN, y: 0, z: 0 } }],
        }),
    ],
    [
      '501 moves',
      ({ things }) =>
        things.moveItems({
          requestId: randomUUID(),
          moves: Array.from({ length: 501 }, () => ({ gameItemId: randomUUID(), locationId: mill })),
        }),
    ],
  ];

  test.each(wrong)('%s is INVALID_ARGUMENT and changes nothing', async (_, call) => {
    const before = await found(sword);
    expect(await outcome(call(as.admin))).toBe('INVALID_ARGUMENT');
    expect(await found(sword)).toEqual(before);
  });

  test('a broken page token is refused by name', async () => {
    const broken = as.server.things.listItemLocations({ playerId: ada, pageToken: 'x' });
    await expect(broken).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });
});
