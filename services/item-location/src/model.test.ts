import { randomUUID } from 'node:crypto';
import { createServiceTokens } from '@realmkeep/kit/auth/service-tokens';
import { createClient } from '@realmkeep/kit/client/client';
import { createLogger } from '@realmkeep/kit/log/logger';
import { createPostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { type KeyFiles, writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { catalogEvent, gameItemEvent, playerEvent } from '../test/events.ts';
import { startSource } from '../test/source.ts';
import { startRenames } from './chores.ts';
import { createFollowMetrics } from './follow-metrics.ts';
import { startFollower } from './follower.ts';
import { createRenameMetrics } from './rename-metrics.ts';
import { createLocation, findLocation, updateLocation } from './repository/locations.ts';
import { moveItems } from './repository/moves.ts';

/** How many seeds are played: a few among all tests, more by `npm run test:faults`. */
const SEEDS = Number(process.env.FAULT_ROUNDS ?? 1) * 3;
// The caches are of other tests.
const listings = { changed: async () => undefined };
const logger = createLogger({ name: 'item-location', level: 'silent' });
let keys: KeyFiles;
let telemetry: Telemetry;
let database: Awaited<ReturnType<typeof openTestDatabase>>;

beforeAll(async () => {
  keys = await writeKeys();
  telemetry = await openTestTelemetry('item-location');
  database = await openTestDatabase();
});
afterAll(async () => {
  await database.close();
  await telemetry.close();
  await keys.remove();
});

/** What one replica runs to keep the rows in step; answers how to end it. */
function consume(address: string): () => Promise<void> {
  const { meter } = telemetry;
  const postgres = createPostgresNodes({ name: 'item-location', urls: [database.primaryUrl], logger, meter });
  const serviceTokens = createServiceTokens({ name: 'item-location', keyFile: keys.env.INTERNAL_KEY_FILE! });
  const client = createClient(ItemEventService, { address, serviceTokens });
  const follower = startFollower({ source: client, postgres, listings, metrics: createFollowMetrics(meter), logger });
  const renames = startRenames({ postgres, listings, metrics: createRenameMetrics(meter), logger, rows: 5 });
  return async () => {
    await Promise.all([follower.stop(), renames.stop()]);
    client.close();
    await postgres.close();
  };
}

type Thing = { itemId: string; ownerId: string; quantity: bigint; version: bigint; locationId: string };

/** A world in memory that says what every row should be. */
function createModel(seed: number) {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const named = (count: number) =>
    new Map(Array.from({ length: count }, () => [randomUUID() as string, { name: '', version: 0n }]));
  const [players, items] = [named(4), named(3)];
  const locations = new Map(
    Array.from({ length: 3 }, () => [randomUUID() as string, { name: 'Place', areaCode: '1' }]),
  );
  const things = new Map<string, Thing>();
  const pick = <T>(from: Iterable<T>): T => {
    const all = [...from];
    return all[random(all.length)]!;
  };
  return { players, items, locations, things, random, pick };
}

test.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
  'after random grants, transfers, moves and renames with consumers killed at random every row equals the model (seed %i)',
  async (seed) => {
    await database.asOwner('truncate game_item_locations, player_names, item_names, locations, renames');
    const source = await startSource(keys);
    const { players, items, locations, things, random, pick } = createModel(seed);
    for (const locationId of locations.keys()) {
      await createLocation(database.primary, { locationId, ...locations.get(locationId)! });
    }
    let stops = [consume(source.address), consume(source.address)];

    const say = (gameItemId: string) => source.commit(gameItemEvent({ gameItemId, ...things.get(gameItemId)! }));
    const live = () => [...things].filter(([, thing]) => thing.quantity > 0n).map(([id]) => id);
    const deeds: (() => unknown)[] = [
      () => {
        const [gameItemId, locationId] = [randomUUID(), pick(locations.keys())];
        const thing = {
          itemId: pick(items.keys()),
          ownerId: pick(players.keys()),
          quantity: 3n,
          version: 1n,
          locationId,
        };
        things.set(gameItemId, thing);
        source.commit(gameItemEvent({ gameItemId, ...thing, grantedLocationId: locationId }));
      },
      () => {
        const id = pick(live());
        if (!id) return;
        const thing = things.get(id)!;
        things.set(id, { ...thing, ownerId: pick(players.keys()), version: thing.version + 1n });
        say(id);
      },
      () => {
        const id = pick(live());
        if (!id) return;
        const thing = things.get(id)!;
        things.set(id, { ...thing, quantity: thing.quantity - 1n, version: thing.version + 1n });
        say(id);
      },
      () => {
        const [id, player] = pick(players);
        players.set(id, { name: `Player ${random(1e6)}`, version: player.version + 1n });
        source.commit(playerEvent(id, players.get(id)!.name, players.get(id)!.version));
      },
      () => {
        const [id, item] = pick(items);
        items.set(id, { name: `Item ${random(1e6)}`, version: item.version + 1n });
        source.commit(catalogEvent(id, items.get(id)!.name, items.get(id)!.version));
      },
      async () => {
        const id = pick(locations.keys());
        const content = { name: `Place ${random(1e6)}`, areaCode: `${random(5)}` };
        locations.set(id, content);
        await updateLocation(database.primary, (await findLocation(database.primary, id))!, content);
      },
      async () => {
        const [id, locationId] = [pick(live()), pick(locations.keys())];
        if (!id) return;
        const moves = [{ gameItemId: id, locationId, x: 1, y: 2, z: 3, expectedVersion: 0n }];
        const request = { requestId: randomUUID(), contentHash: Buffer.alloc(32), mover: undefined, moves };
        // What is not known here yet, or no more, is not moved.
        const moved = await moveItems(database.primary, request).catch((error: Error) => error);
        if (!(moved instanceof Error)) things.set(id, { ...things.get(id)!, locationId });
        else expect(moved.message).toBe('ITEM_LOCATION_NOT_FOUND');
      },
    ];

    for (let turn = 0; turn < 400; turn += 1) {
      await pick(deeds)();
      if (turn % 50 === 49) {
        const kind = random(3);
        if (kind === 0) source.cut();
        else if (kind === 1) {
          await database.primary.pool.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'item-location'",
          );
        } else {
          await stops.shift()!();
          stops.push(consume(source.address));
        }
      }
    }

    const wanted = live()
      .sort()
      .map((id) => {
        const { itemId, ownerId, quantity, version, locationId } = things.get(id)!;
        const { name: location_name, areaCode: area_code } = locations.get(locationId)!;
        const [item_name, owner_name] = [items.get(itemId)!.name, players.get(ownerId)!.name];
        return {
          id,
          itemId,
          item_name,
          ownerId,
          owner_name,
          quantity: `${quantity}`,
          version: `${version}`,
          locationId,
          location_name,
          area_code,
        };
      });
    const shown = async () =>
      (
        await database.primary.pool.query(
          `select game_item_id as id, item_id as "itemId", item_name, owner_id as "ownerId", owner_name, quantity,
           source_version as version, location_id as "locationId", location_name, area_code
         from game_item_locations where not consumed order by game_item_id`,
        )
      ).rows;
    const same = async () => JSON.stringify(await shown()) === JSON.stringify(wanted);
    await until(same, { what: 'the rows to equal the model', within: 20_000 }).catch(() => undefined);
    expect(await shown()).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(5);

    for (const stop of stops) await stop();
    stops = [];
    await source.stop();
  },
  90_000,
);
