import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createClient } from '@realmkeep/kit/client/client';
import { ItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { LocationService } from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import {
  PlayerStateService,
  GetPlayerStateRequest_View as View,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { type KeyFiles, writeKeys } from '@realmkeep/testkit/key-files';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { createTestDatabase, type TestDatabase } from '@realmkeep/testkit/stores';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp } from './app.ts';
import { openTestDatabase } from './database.ts';
import { spawnService } from './process.ts';
import { responseHeaders } from './response-headers.ts';
import { commonEnv } from './settings.ts';

// The real player-state, as a process of its own: services never import one another.
const PLAYER_STATE = new URL('../../player-state/', import.meta.url);
const server = { role: 'server', subject: 'game-1' } as const;
const admin = { role: 'admin', subject: 'ops' } as const;
const [ada, bob, mill] = Array.from({ length: 3 }, () => randomUUID()) as [string, string, string];

let keys: KeyFiles;
let sourceDatabase: TestDatabase;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let app: Awaited<ReturnType<typeof startTestApp>>;
let startPlayerState: () => () => Promise<void>;
let killPlayerState: () => Promise<void>;
let connections: { close(): void }[];
let players: ReturnType<typeof createClient<typeof PlayerStateService>>;
let catalog: ReturnType<typeof createClient<typeof ItemCatalogService>>;
let things: ReturnType<typeof createClient<typeof ItemLocationService>>;

beforeAll(async () => {
  keys = await writeKeys();
  const migrations = fileURLToPath(new URL('migrations/', PLAYER_STATE));
  [sourceDatabase, database] = await Promise.all([
    createTestDatabase({ migrations, name: 'player_state' }),
    openTestDatabase(),
  ]);
  const address = `127.0.0.1:${await freePort()}`;
  app = await startTestApp({ database, keys, playerStateAddress: address });
  const env = {
    ...(await commonEnv(sourceDatabase, keys)),
    GRPC_PORT: address.split(':')[1]!,
    ITEM_LOCATION_ADDRESS: app.address,
    // Nobody is there, and no session is started.
    AREA_STATS_ADDRESS: '127.0.0.1:1',
  };
  startPlayerState = () => spawnService(new URL('src/main.ts', PLAYER_STATE), env);
  killPlayerState = startPlayerState();
  players = createClient(PlayerStateService, { address, serviceTokens: { token: () => keys.tokens.token(server) } });
  catalog = createClient(ItemCatalogService, { address, serviceTokens: { token: () => keys.tokens.token(admin) } });
  connections = [players, catalog];
  things = app.client(ItemLocationService, server);
});
afterAll(async () => {
  for (const connection of connections) connection.close();
  await killPlayerState();
  await app.stop();
  await Promise.all([sourceDatabase.drop(), database.close()]);
  await keys.remove();
});

/** Repeats an idempotent call until the service is there. */
function untilDone<T>(call: () => Promise<T>): Promise<T> {
  return until(call, { what: 'player-state to answer', within: 40_000 }) as Promise<T>;
}

type Operations = Parameters<typeof players.applyTransaction>[0]['operations'];

function apply(operations: NonNullable<Operations>) {
  const transactionId = randomUUID();
  return untilDone(() => players.applyTransaction({ transactionId, operations }));
}

/** A player's things as one of the two services shows them: by id, with the owner that it says. */
async function held(playerId: string) {
  const { state } = await untilDone(() => players.getPlayerState({ playerId }));
  return state!.items.map((item) => `${item.gameItemId} x${item.quantity}`).sort();
}
async function shown(playerId: string) {
  const { itemLocations } = await things.listItemLocations({ playerId, pageSize: 1000 });
  return itemLocations.map((thing) => `${thing.gameItemId} x${thing.quantity}`).sort();
}

async function untilAlike(): Promise<void> {
  for (const playerId of [ada, bob]) {
    const truth = JSON.stringify(await held(playerId));
    const same = async () => JSON.stringify(await shown(playerId)) === truth;
    await until(same, { what: 'item-location to show what player-state holds', within: 20_000 });
  }
}

test('what happens in player-state shows here with its names and its place, also after player-state was killed', async () => {
  await app.client(LocationService, admin).createLocation({ locationId: mill, name: 'Old mill', areaCode: '111' });
  await untilDone(() => players.createPlayer({ playerId: ada, displayName: 'Ada' }));
  await untilDone(() => players.createPlayer({ playerId: bob, displayName: 'Bob' }));
  await untilDone(() => catalog.createItem({ itemId: 'iron-sword', name: 'Iron sword', kind: 'weapon', maxStack: 1n }));
  await untilDone(() => catalog.createItem({ itemId: 'arrow', name: 'Arrow', kind: 'ammunition', maxStack: 64n }));
  const grant = (itemId: string, quantity: bigint) => ({
    playerId: ada,
    operation: { case: 'grantItem' as const, value: { itemId, quantity, locationId: mill } },
  });
  await apply([grant('iron-sword', 3n), grant('arrow', 100n)]);
  await untilAlike();

  const full = await players.getPlayerState({ playerId: ada, view: View.FULL });
  expect(full.itemLocations?.itemLocations).toHaveLength(5);
  expect(full.itemLocations?.itemLocations[0]).toMatchObject({
    ownerName: 'Ada',
    itemName: expect.stringMatching(/^(Iron sword|Arrow)$/),
    locationName: 'Old mill',
    areaCode: '111',
  });

  for (let round = 0; round < 2; round += 1) {
    const { state } = await untilDone(() => players.getPlayerState({ playerId: ada }));
    const sword = state!.items.find((item) => item.itemId === 'iron-sword')!;
    await apply([
      {
        playerId: ada,
        operation: { case: 'transferItem', value: { toPlayerId: bob, gameItemId: sword.gameItemId, quantity: 1n } },
      },
      { playerId: ada, operation: { case: 'consumeItem', value: { itemId: 'arrow', quantity: 40n } } },
      grant('iron-sword', 1n),
    ]);
    await killPlayerState();
    killPlayerState = startPlayerState();
  }
  await untilAlike();
  const moved = (await things.listItemLocations({ playerId: bob })).itemLocations;
  expect(moved.map((thing) => [thing.ownerName, thing.locationName])).toEqual([
    ['Bob', 'Old mill'],
    ['Bob', 'Old mill'],
  ]);
}, 120_000);

/** How far item-location is behind player-state, in seconds, as it tells its operators. */
async function lag(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { connection: 'close' } });
  return Number(/^item_location_follow_lag(?:_seconds)?(?:\{[^}]*\})? (\S+)/m.exec(await response.text())?.[1]);
}

/** How old the news of player-state is, in seconds, as answers tell it. */
async function followedAge(gameItemId: string): Promise<number> {
  const headers = await responseHeaders(app.address, { gameItemId, token: await keys.tokens.token(server) });
  return Number(headers['realmkeep-followed-age-ms']) / 1_000;
}

test('while player-state is away everything is answered from what is here, with its age, which grows as the lag does', async () => {
  const before = await shown(ada);
  expect(before.length).toBeGreaterThan(0);
  await until(async () => (await lag()) < 60, { what: 'player-state to be followed', within: 40_000 });
  const [gameItemId] = before[0]!.split(' ') as [string];
  const young = async () => (await followedAge(gameItemId)) < 60;
  await until(young, { what: 'answers to tell that player-state is followed', within: 40_000 });
  await killPlayerState();
  const first = await lag();
  const grown = async () => (await lag()) > first + 2;
  await until(grown, { what: 'the lag to grow', within: 20_000 });
  // What was known when it died is at least that old; the clocks of this machine are one.
  expect(await followedAge(gameItemId)).toBeGreaterThan(2);
  expect(await shown(ada)).toEqual(before);
  expect((await things.getItemLocation({ gameItemId })).itemLocation).toMatchObject({ gameItemId, ownerId: ada });
  const moves = [{ gameItemId, locationId: mill, position: { x: 7, y: 0, z: 0 } }];
  expect((await things.moveItems({ requestId: randomUUID(), moves })).itemLocations).toHaveLength(1);
  killPlayerState = startPlayerState();
  const last = await lag();
  await until(async () => (await lag()) < last, { what: 'the lag to fall', within: 40_000 });
  const fallen = async () => (await followedAge(gameItemId)) < last;
  await until(fallen, { what: 'the age to fall', within: 40_000 });
}, 120_000);
