import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createClient } from '@realmkeep/kit/client/client';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { SessionService } from '@realmkeep/proto/realmkeep/player_state/v1/session_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { createTestDatabase, stores, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIGRATIONS } from '../src/migrations.ts';
import { spawnService } from './process.ts';
import { session } from './sessions.ts';

// The real area-stats, as a process of its own: services never import one another.
const AREA_STATS = new URL('../../area-stats/', import.meta.url);
const PLAYERS = 12;
type Kill = () => Promise<void>;

let keys: Awaited<ReturnType<typeof writeKeys>>;
let databases: { players: TestDatabase; areas: TestDatabase };
let pools: { players: pg.Pool; areas: pg.Pool };
let start: { playerState(): Kill; areaStats(): Kill };
let kill: { playerState: Kill; areaStats: Kill };
let players: ReturnType<typeof createClient<typeof PlayerStateService>>;
let sessions: ReturnType<typeof createClient<typeof SessionService>>;

beforeAll(async () => {
  keys = await writeKeys();
  const [playersDatabase, areas, { valkey }, port, areaPort] = await Promise.all([
    createTestDatabase({ migrations: MIGRATIONS, name: 'player_state' }),
    createTestDatabase({ migrations: fileURLToPath(new URL('migrations/', AREA_STATS)), name: 'area_stats' }),
    stores(),
    freePort(),
    freePort(),
  ]);
  databases = { players: playersDatabase, areas };
  pools = { players: open(playersDatabase), areas: open(areas) };
  const common = (database: TestDatabase, grpcPort: number) => ({
    ...keys.env,
    HOST: '127.0.0.1',
    GRPC_PORT: `${grpcPort}`,
    METRICS_PORT: '0',
    POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(),
    REDIS_NODES: valkey.nodes.join(),
    REDIS_PASSWORD: valkey.password,
    PAGE_TOKEN_KEY: 'ab'.repeat(32),
    LOG_LEVEL: 'silent',
  });
  start = {
    playerState: () =>
      spawnService(new URL('../src/main.ts', import.meta.url), {
        ...common(playersDatabase, port),
        ITEM_LOCATION_ADDRESS: '127.0.0.1:1',
        AREA_STATS_ADDRESS: `127.0.0.1:${areaPort}`,
        PRESENCE_RENEW_SECONDS: '1',
      }),
    areaStats: () => spawnService(new URL('src/main.ts', AREA_STATS), common(areas, areaPort)),
  };
  kill = { playerState: start.playerState(), areaStats: start.areaStats() };
  const address = `127.0.0.1:${port}`;
  const serviceTokens = { token: () => keys.tokens.token({ role: 'server', subject: 'game-1' }) };
  players = createClient(PlayerStateService, { address, serviceTokens });
  sessions = createClient(SessionService, { address, serviceTokens });
});
afterAll(async () => {
  players.close();
  sessions.close();
  await Promise.all([kill.playerState(), kill.areaStats()]);
  await Promise.all([pools.players.end(), pools.areas.end()]);
  await Promise.all([databases.players.drop(), databases.areas.drop()]);
  await keys.remove();
});

function open({ ownerUrl }: TestDatabase): pg.Pool {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Repeats an idempotent call until the service is there. */
function untilDone<T>(call: () => Promise<T>): Promise<T> {
  return until(call, { what: 'player-state to answer', within: 60_000 }) as Promise<T>;
}

async function waiting(): Promise<number> {
  const { rows } = await pools.players.query<{ left: number }>('select count(*)::int as left from session_events');
  return rows[0]!.left;
}

function untilDelivered(): Promise<boolean> {
  return until(async () => (await waiting()) === 0, { what: 'every event to be delivered', within: 60_000 });
}

/** Each player logs in, moves on to another area, and every other one logs out. */
async function play(playerIds: string[]): Promise<void> {
  await Promise.all(
    playerIds.map(async (playerId, i) => {
      const [first, second] = [session(playerId), session(playerId, { areaCode: `area-${i % 3}` })];
      await untilDone(() => sessions.startSession(first));
      await untilDone(() => sessions.startSession(second));
      if (i % 2 === 0) await untilDone(() => sessions.endSession(second));
    }),
  );
}

test('every LOGIN and LOGOUT reaches area-stats exactly once, whichever service is killed in between', async () => {
  const playerIds = Array.from({ length: PLAYERS }, () => randomUUID() as string);
  for (const playerId of playerIds) await untilDone(() => players.createPlayer({ playerId, displayName: 'Ada' }));
  await play(playerIds);
  await untilDelivered();

  // area-stats is away: what happens waits for it.
  await kill.areaStats();
  await play(playerIds);
  expect(await waiting()).toBeGreaterThan(0);
  // Its answers may be lost on their way as well, when the one that delivers is killed.
  kill.areaStats = start.areaStats();
  await untilDone(async () => expect(await waiting()).toBeLessThan(PLAYERS * 4));
  await play(playerIds);
  await kill.playerState();
  kill.playerState = start.playerState();
  await play(playerIds);
  await untilDelivered();

  // Those that were answered for, but whose deletion was lost.
  const { rows: answered } = await pools.areas.query('select to_jsonb(e) as event from area_mode_events e');
  await pools.players.query(
    `insert into session_events (event_id, player_id, area_code, multiplayer_mode, event_name, event_time)
     select (e->>'event_id')::uuid, (e->>'user_id')::uuid, e->>'area_code', e->>'multiplayer_mode', e->>'event_name',
       (e->>'event_time')::timestamptz from unnest($1::jsonb[]) e`,
    [answered.map(({ event }) => JSON.stringify(event))],
  );
  await untilDelivered();

  const { rows: sent } = await pools.players.query(
    `select player_id::text as user_id, area_code, 'LOGIN' as event_name, started_at as event_time from sessions
     union all
     select player_id::text, area_code, 'LOGOUT', ended_at from sessions where ended_at is not null order by 1, 4`,
  );
  const { rows: recorded } = await pools.areas.query(
    'select user_id, area_code, event_name, event_time from area_mode_events order by user_id, event_time',
  );
  expect(recorded).toEqual(sent);
  const { rows: live } = await pools.players.query(
    'select area_code, count(*)::int as players from sessions where ended_at is null group by 1 order by 1',
  );
  const { rows: counted } = await pools.areas.query(
    'select area_code, current_count::int as players from area_mode_events_agg where current_count > 0 order by 1',
  );
  expect(counted).toEqual(live);
  expect((await pools.players.query('select from parked_session_events')).rowCount).toBe(0);
}, 180_000);

test('what area-stats refuses for good is parked with its reason, and holds nothing up', async () => {
  const eventId = randomUUID();
  await pools.players.query(
    `insert into session_events (event_id, player_id, area_code, multiplayer_mode, event_name, event_time)
     values ($1, $2, '111', 'royale', 'LOGIN', now() - interval '8 days')`,
    [eventId, randomUUID()],
  );
  await untilDelivered();
  const { rows } = await pools.players.query('select event_id, reason from parked_session_events');
  expect(rows).toEqual([{ event_id: eventId, reason: 'EVENT_TOO_OLD' }]);
});

test('a session that goes on is renewed in area-stats, and counts again there when its lease had run out', async () => {
  const playerId = randomUUID();
  await untilDone(() => players.createPlayer({ playerId, displayName: 'Ada' }));
  await untilDone(() => sessions.startSession(session(playerId, { areaCode: 'goes-on' })));
  await untilDelivered();
  await pools.areas.query(
    `update area_mode_presence set lease_until = now() - interval '1 second', sweep_at = now() where area_code = 'goes-on'`,
  );
  await pools.areas.query('select sweep_presences(100)');
  const renewed = `select from area_mode_presence p join area_mode_events_agg a using (area_code, multiplayer_mode)
    where area_code = 'goes-on' and p.counted and p.lease_until > now() + interval '1 hour' and a.current_count = 1`;
  await until(async () => (await pools.areas.query(renewed)).rowCount === 1, { what: 'the renewal', within: 60_000 });
});
