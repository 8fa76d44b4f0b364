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
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { catalogEvent, gameItemEvent, playerEvent } from '../test/events.ts';
import { spawnService } from '../test/process.ts';
import { commonEnv } from '../test/settings.ts';
import { startSource } from '../test/source.ts';
import { createFollowMetrics } from './follow-metrics.ts';
import { startFollower } from './follower.ts';

const players = Array.from({ length: 4 }, (): string => randomUUID());
// The caches are of other tests.
const listings = { changed: async () => undefined };
const logger = createLogger({ name: 'item-location', level: 'silent' });
let keys: KeyFiles;
let telemetry: Telemetry;
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let source: Awaited<ReturnType<typeof startSource>>;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  keys = await writeKeys();
  telemetry = await openTestTelemetry('item-location');
});
afterAll(async () => {
  await telemetry.close();
  await keys.remove();
});
beforeEach(async () => {
  database = await openTestDatabase();
  source = await startSource(keys);
  given.length = 0;
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await source.stop();
  await database.close();
});

/** Runs what one replica of the service runs to follow; answers how to stop it and how often it went to the primary. */
function follow() {
  const { meter } = telemetry;
  const urls = [database.primaryUrl, ...database.replicaUrls];
  const postgres = createPostgresNodes({ name: 'item-location', urls, logger, meter });
  const serviceTokens = createServiceTokens({ name: 'item-location', keyFile: keys.env.INTERNAL_KEY_FILE! });
  const client = createClient(ItemEventService, { address: source.address, serviceTokens });
  let writes = 0;
  const write: typeof postgres.write = (work, options) => {
    writes += 1;
    return postgres.write(work, options);
  };
  const follower = startFollower({
    source: client,
    postgres: { write },
    listings,
    metrics: createFollowMetrics(meter),
    logger,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      await follower.stop();
      client.close();
      await postgres.close();
    })();
    return stopped;
  };
  stops.push(stop);
  return { stop, writes: () => writes };
}

/** Runs the whole service as a process of its own; answers how to kill it. */
async function spawnApp(): Promise<() => Promise<void>> {
  const env = { ...(await commonEnv(database, keys)), PLAYER_STATE_ADDRESS: source.address };
  const kill = spawnService(new URL('./main.ts', import.meta.url), env);
  stops.push(kill);
  return kill;
}

async function followed() {
  const { rows } = await database.primary.query({
    name: 'live',
    text: 'select game_item_id, owner_id, source_version from game_item_locations where not consumed order by game_item_id',
    values: [],
  });
  return rows;
}

function untilFollowed(): Promise<boolean> {
  const what = 'the follower to show what the source says';
  const same = async () => JSON.stringify(await followed()) === JSON.stringify(source.things());
  return until(same, { what, within: 20_000 });
}

/** Kills every session of the follower: those of this file's own pool stay. */
async function terminateSessions(): Promise<void> {
  await database.primary.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'item-location'",
  );
}

let turn = 0;
const given: { gameItemId: string; version: bigint }[] = [];

/** Grants ten things, and gives away or consumes those of the turns before. */
function play(): void {
  turn += 1;
  const ownerId = players[turn % players.length]!;
  for (const thing of given.splice(0, 5)) {
    thing.version += 1n;
    const quantity = turn % 3 === 0 ? 0n : 1n;
    source.commit(gameItemEvent({ ...thing, ownerId, quantity }));
    if (quantity > 0n && thing.version < 4n) given.push(thing);
  }
  const granted = Array.from({ length: 10 }, () => ({ gameItemId: randomUUID() as string, version: 1n }));
  source.commit(...granted.map((thing) => gameItemEvent({ ...thing, ownerId })));
  given.push(...granted);
}

test('it starts from a snapshot, then follows, and goes on where it was after a restart', async () => {
  source.commit(playerEvent(players[0]!, 'Ada'), catalogEvent('iron-sword', 'Iron sword'));
  play();
  source.trim();
  const { stop } = follow();
  await untilFollowed();
  play();
  await untilFollowed();
  await stop();

  play();
  follow();
  await untilFollowed();
  expect(source.snapshots()).toBe(1);
});

test('of several replicas one follows at a time, and another takes over when it stops', async () => {
  const first = follow();
  await until(() => source.open() === 1, { what: 'the first to follow' });
  const second = follow();
  await until(() => second.writes() >= 2, { what: 'the second to ask again, having been told to wait' });
  play();
  await untilFollowed();
  expect(source.opened()).toBe(1);
  await first.stop();
  play();
  await untilFollowed();
  expect(source.opened()).toBe(2);
});

test('whatever connection is killed on either side, nothing is lost and nothing counts twice', async () => {
  follow();
  follow();
  for (let round = 0; round < 12; round += 1) {
    for (let i = 0; i < 10; i += 1) play();
    if (round % 3 === 0) source.cut();
    else await terminateSessions();
    if (round % 4 === 3) await untilFollowed();
  }
  source.trim();
  await untilFollowed();
  const { rows } = await database.primary.query({
    name: 'doubled',
    text: 'select count(*)::int as doubled from game_item_locations where version > source_version and not consumed',
    values: [],
  });
  // A step has each thing once, so a row changes at most once for each version of the thing.
  expect(rows).toEqual([{ doubled: 0 }]);
});

test('the service is killed with SIGKILL again and again while it follows, and shows everything at the end', async () => {
  for (let round = 0; round < 2; round += 1) {
    const before = (await followed()).length;
    const kill = await spawnApp();
    for (let i = 0; i < 60; i += 1) play();
    await until(async () => (await followed()).length > before, { what: 'the service to follow', within: 20_000 });
    await kill();
  }
  await spawnApp();
  await untilFollowed();
  const { rows } = await database.primary.query({
    name: 'doubled_by_kill',
    text: 'select count(*)::int as doubled from game_item_locations where version > source_version and not consumed',
    values: [],
  });
  expect(rows).toEqual([{ doubled: 0 }]);
}, 90_000);

test('a source that went back behind what was followed is taken from a snapshot again', async () => {
  play();
  follow();
  await untilFollowed();
  await until(() => source.snapshots() === 1, { what: 'the first snapshot' });
  source.rewind(1_000n);
  await until(() => source.snapshots() === 2, { what: 'the second snapshot' });
  play();
  await untilFollowed();
});

test('an event that is refused for good is parked and counted, and holds nothing up', async () => {
  follow();
  await until(() => source.open() === 1, { what: 'the follower' });
  await untilFollowed();
  source.trim();
  source.commit(gameItemEvent({ gameItemId: 'no-uuid', ownerId: players[0]! }));
  play();
  const countBad = async () => {
    const response = await fetch(`http://127.0.0.1:${telemetry.metricsPort}/metrics`, {
      headers: { connection: 'close' },
    });
    return /item_location_follow_parked_total(?:\{[^}]*\})? (\d+)/.exec(await response.text())?.[1];
  };
  await until(async () => (await countBad()) === '1', { what: 'the parked event to be counted' });
  const rest = async () => (await followed()).length === source.things().length - 1;
  await until(rest, { what: 'the other events to be applied' });
});
