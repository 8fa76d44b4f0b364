import { randomUUID } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import {
  PlayerStateService,
  GetPlayerStateRequest_View as View,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { SessionService } from '@realmkeep/proto/realmkeep/player_state/v1/session_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { ROLES, roleClients, type TestRole } from '../test/role-clients.ts';
import { session, toldOf } from '../test/sessions.ts';

const SAVE_MS = 100;
const LEASE_SECONDS = 2;
let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;
let players: Awaited<ReturnType<typeof openPlayers>>;

function open() {
  return app.as(SessionService, 'server');
}
function openPlayers() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp({ HEARTBEAT_SAVE_MS: `${SAVE_MS}`, SESSION_LEASE_SECONDS: `${LEASE_SECONDS}` });
  game = await open();
  players = await openPlayers();
});
afterAll(() => app.close());

async function newPlayer(): Promise<string> {
  const playerId = randomUUID();
  await players.createPlayer({ playerId, displayName: 'Ada' });
  return playerId;
}

function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (fault: unknown) => (fault instanceof RpcError ? fault.reason : String(fault)),
  );
}

async function stored(sessionId: string) {
  const [row] = await app.rows<{ seen: string; lease: string; ended: string | null }>(
    `select micros(last_seen_at) as seen, micros(lease_until) as lease, micros(ended_at) as ended
     from sessions where session_id = $1`,
    [sessionId],
  );
  return row!;
}

test('each RPC is allowed and denied to each role as the contract says', async () => {
  const [ada, bob] = [await newPlayer(), await newPlayer()];
  const sessions = await roleClients(app, SessionService, ada.toUpperCase());
  const [adas, bobs] = [session(ada), session(bob)];
  await game.startSession(adas);
  await game.startSession(bobs);
  const table: [string, string, (role: TestRole) => Promise<unknown>][] = [
    ['StartSession, own', 'ok', (role) => sessions[role].startSession(adas)],
    ['StartSession', 'NOT_YOUR_DATA', (role) => sessions[role].startSession(bobs)],
    ['Heartbeat, own', 'ok', (role) => sessions[role].heartbeat(adas)],
    ['Heartbeat', 'SESSION_NOT_FOUND', (role) => sessions[role].heartbeat(bobs)],
    ['EndSession', 'SESSION_NOT_FOUND', (role) => sessions[role].endSession(bobs)],
    ['EndSession, own', 'ok', (role) => sessions[role].endSession(adas)],
  ];
  for (const [name, player, call] of table) {
    // One after the other: the player must not be the one that ended it.
    const found: Record<string, string> = {};
    for (const role of ['player', ...ROLES.filter((each) => each !== 'player')] as const) {
      found[role] = await outcome(call(role));
    }
    expect.soft(found, name).toEqual({
      nobody: 'TOKEN_MISSING',
      player,
      server: 'ok',
      admin: 'ok',
      service: 'ROLE_NOT_ALLOWED',
    });
  }
});

test('a hundred sessions started at once for one player leave one, and tell a LOGOUT before each next LOGIN', async () => {
  const playerId = await newPlayer();
  const asked = Array.from({ length: 100 }, () => session(playerId));
  await Promise.all(asked.map((each) => game.startSession(each)));
  const live = await app.rows<{ session_id: string }>(
    'select session_id from sessions where player_id = $1 and ended_at is null',
    [playerId],
  );
  expect(live).toHaveLength(1);
  const told = await toldOf(app, playerId);
  expect(told.map(({ name }) => name)).toEqual(
    Array.from({ length: 199 }, (_, i) => (i % 2 === 0 ? 'LOGIN' : 'LOGOUT')),
  );
  for (const [i, { at }] of told.entries()) if (i > 0) expect(at).toBeGreaterThan(told[i - 1]!.at);
});

test('the same id with the same content is one session, which never starts again', async () => {
  const playerId = await newPlayer();
  const first = session(playerId);
  const answers = await Promise.all(Array.from({ length: 20 }, () => game.startSession(first)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await toldOf(app, playerId)).toHaveLength(1);
  expect(await outcome(game.startSession({ ...first, areaCode: '222' }))).toBe('SESSION_ID_REUSED');
  expect(await outcome(game.startSession({ ...first, playerId: await newPlayer() }))).toBe('SESSION_ID_REUSED');
  expect(await outcome(game.startSession(session(randomUUID())))).toBe('PLAYER_NOT_FOUND');

  const ended = await game.endSession(first);
  expect(ended.session!.endTime).toBeDefined();
  const again = [await game.endSession(first), await game.startSession(first)];
  for (const answer of again) expect(answer.session).toEqual(ended.session);
  expect((await toldOf(app, playerId)).map(({ name }) => name)).toEqual(['LOGIN', 'LOGOUT']);
  expect(await outcome(game.endSession({ sessionId: randomUUID() }))).toBe('SESSION_NOT_FOUND');
});

test('heartbeats keep a session alive past its lease, and one of an ended session is refused', async () => {
  const mine = session(await newPlayer());
  const { session: started } = await game.startSession(mine);
  const firstLease = timestampDate(started!.leaseUntil!).getTime();
  const beatUntilPastLease = async () => {
    const { leaseUntil } = await game.heartbeat(mine);
    expect(Math.abs(timestampDate(leaseUntil!).getTime() - Date.now() - LEASE_SECONDS * 1_000)).toBeLessThan(1_000);
    return Date.now() > firstLease + 5 * SAVE_MS;
  };
  await until(beatUntilPastLease, { what: 'the first lease to run out', within: 20_000 });
  expect(await stored(mine.sessionId)).toMatchObject({ ended: null });

  // Ended where this process does not see it: refused once a saving has found out.
  await app.rows('select end_session($1, null)', [mine.sessionId]);
  const refused = async () => (await outcome(game.heartbeat(mine))) === 'SESSION_ENDED';
  await until(refused, { what: 'a heartbeat to be refused', within: 5_000 });

  const taken = session(mine.playerId);
  await game.startSession(taken);
  await game.startSession(session(mine.playerId));
  expect(await outcome(game.heartbeat(taken))).toBe('SESSION_ENDED');
  expect(await outcome(game.heartbeat({ sessionId: randomUUID() }))).toBe('SESSION_NOT_FOUND');
});

test('a session whose heartbeats stop ends with its lease, and its LOGOUT is stamped with the end of the lease', async () => {
  const mine = session(await newPlayer());
  await game.startSession(mine);
  await game.heartbeat(mine);
  const over = async () => (await stored(mine.sessionId)).ended !== null;
  await until(over, { what: 'the sweep to end the session', within: 20_000 });
  const { seen, lease, ended } = await stored(mine.sessionId);
  expect(BigInt(lease) - BigInt(seen)).toBe(BigInt(LEASE_SECONDS) * 1_000_000n);
  expect(ended).toBe(lease);
  const told = await toldOf(app, mine.playerId);
  expect(told.at(-1)).toEqual({ name: 'LOGOUT', at: BigInt(lease) });
  const refused = async () => (await outcome(game.heartbeat(mine))) === 'SESSION_ENDED';
  await until(refused, { what: 'a heartbeat to be refused', within: 5_000 });

  // The end of a lease that no sweep has seen yet is the session's end all the same.
  const late = session(await newPlayer());
  await game.startSession(late);
  await app.rows(
    `update sessions set started_at = started_at - interval '1 hour', last_seen_at = last_seen_at - interval '1 hour',
       lease_until = started_at - interval '59 minutes' where session_id = $1`,
    [late.sessionId],
  );
  await game.startSession(session(late.playerId));
  const end = await stored(late.sessionId);
  expect(end.ended).toBe(end.lease);
});

test('the view FULL says at once whether the player is online, and remembers where it was last', async () => {
  const playerId = await newPlayer();
  const presence = async () => (await players.getPlayerState({ playerId, view: View.FULL })).presence!;
  await app.database.replicated();
  expect(await presence()).toMatchObject({ online: false, sessionId: '', version: 0n, missingReason: 0 });
  expect((await players.getPlayerState({ playerId })).presence).toBeUndefined();

  const mine = session(playerId, { areaCode: '42', multiplayerMode: 'duel' });
  await game.startSession(mine);
  const { playerId: _, ...where } = mine;
  const online = await presence();
  expect(online).toMatchObject({ ...where, online: true });
  expect(timestampDate(online.leaseUntil!).getTime()).toBeGreaterThan(Date.now());

  const { session: ended } = await game.endSession(mine);
  const offline = await presence();
  expect(offline).toMatchObject({ ...where, online: false, lastSeenTime: ended!.endTime });
  expect(offline.version).toBeGreaterThan(online.version);
});

test('ended sessions are trimmed, but never a player’s last one', async () => {
  const playerId = await newPlayer();
  const three = [session(playerId), session(playerId), session(playerId)];
  for (const each of three) await game.startSession(each);
  await game.endSession(three[2]!);
  const age = `update sessions set started_at = started_at - interval '31 days', last_seen_at = last_seen_at - interval '31 days',
    lease_until = lease_until - interval '31 days', ended_at = ended_at - interval '31 days' where player_id = $1`;
  await app.rows(age, [playerId]);
  const [trim] = await app.rows<{ rows: number }>("select trim_sessions('30 days', 1000) as rows");
  expect(trim!.rows).toBe(2);
  expect(await app.rows('select session_id from sessions where player_id = $1', [playerId])).toEqual([
    { session_id: three[2]!.sessionId },
  ]);
});
