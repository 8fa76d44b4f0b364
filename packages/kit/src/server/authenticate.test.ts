import { writeFile } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { createTestTokens } from '@realmkeep/testkit/tokens';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Caller } from '../auth/caller.ts';
import { answering } from './answering.fixture.ts';
import { rejection, type ServerFixture, serviceToken, startServerFixture } from './server.fixture.ts';

let fixture: ServerFixture;
let seen: Caller[] = [];
const area = { areaCode: '111' };

beforeAll(async () => {
  const stats = answering(AreaStatsService, {
    getAreaStats: async (_request, { caller }) => {
      seen.push(caller);
      return new Uint8Array();
    },
  });
  const events = answering(ItemEventService, {
    async *followItemEvents(_request, { caller }) {
      seen.push(caller);
      yield new Uint8Array();
    },
  });
  fixture = await startServerFixture({ implementations: [stats, events] });
});
afterAll(() => fixture.close());
beforeEach(() => {
  seen = [];
});

const refused = async (token: string) => rejection(fixture.client(AreaStatsService, token).getAreaStats(area));

test('without a token the caller is anyone', async () => {
  await fixture.client(AreaStatsService).getAreaStats(area);
  expect(seen).toEqual([{ subject: '', role: 'ANYONE' }]);
});

test('a good token says who calls, the first time and again', async () => {
  const token = await fixture.tokens.token({ role: 'player', subject: 'p1' });
  const client = fixture.client(AreaStatsService, token);
  await client.getAreaStats(area);
  await client.getAreaStats(area);
  expect(seen).toEqual([
    { subject: 'p1', role: 'PLAYER' },
    { subject: 'p1', role: 'PLAYER' },
  ]);
});

test('a bad token is refused even where none is needed', async () => {
  const bad = await fixture.tokens.bad({ role: 'player', subject: 'p1' });
  const reasons = Object.entries(bad).map(async ([wrong, token]) => {
    const fault = await refused(token);
    expect(fault).toMatchObject({ code: status.UNAUTHENTICATED });
    return [wrong, (fault as { reason: string }).reason];
  });
  expect(Object.fromEntries(await Promise.all(reasons))).toEqual({
    expired: 'TOKEN_EXPIRED',
    wrongKey: 'TOKEN_INVALID',
    unsigned: 'TOKEN_INVALID',
    wrongIssuer: 'TOKEN_INVALID',
    wrongAudience: 'TOKEN_INVALID',
  });
  expect(await refused('garbage')).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'TOKEN_INVALID' });
  expect(await refused('x'.repeat(5_000))).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'TOKEN_INVALID' });
  expect(seen).toEqual([]);
});

test('a token that expires while it is remembered is refused', async () => {
  // Within the five seconds that clocks may differ: still good, for one more second.
  const token = await fixture.tokens.token({ role: 'player', subject: 'p1', expiresIn: -4 });
  const client = fixture.client(AreaStatsService, token);
  await client.getAreaStats(area);
  await expect
    .poll(
      () =>
        client.getAreaStats(area).then(
          () => 'answered',
          (fault) => fault.reason,
        ),
      { timeout: 5_000 },
    )
    .toBe('TOKEN_EXPIRED');
});

test('neither issuer can make the roles of the other', async () => {
  const { tokens } = fixture;
  const [callers, internal] = await Promise.all([createTestTokens(), createTestTokens()]);
  // The key of callers under the name of services, and each issuer with a role that is not its own.
  const forged = await tokens.token({ role: 'player', subject: 's', issuer: 'realmkeep-internal' });
  const risen = await tokens.token({ role: 'service', subject: 's', issuer: 'realmkeep' });
  for (const token of [forged, risen, await serviceToken(callers), await serviceToken(internal)]) {
    const follow = fixture.client(ItemEventService, token).followItemEvents({})[Symbol.asyncIterator]();
    expect(await rejection(follow.next())).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'TOKEN_INVALID' });
  }
  for await (const _ of fixture.client(ItemEventService, await serviceToken(tokens)).followItemEvents({})) break;
  expect(seen).toEqual([{ subject: 'a-service', role: 'SERVICE' }]);
});

test('a new key is known once a token names it, and the key that it replaced vouches for nothing', async () => {
  const before = await fixture.tokens.token({ role: 'player', subject: 'p1' });
  await fixture.client(AreaStatsService, before).getAreaStats(area);

  const next = await createTestTokens();
  const kid = 'next';
  for (const key of [next.callers.privateKey, ...next.callers.jwks.keys]) key.kid = kid;
  await writeFile(fixture.jwksFile, JSON.stringify(next.callers.jwks));
  const after = await next.token({ role: 'player', subject: 'p2' });

  await expect
    .poll(() =>
      fixture
        .client(AreaStatsService, after)
        .getAreaStats(area)
        .then(
          () => 'known',
          (f) => f.reason,
        ),
    )
    .toBe('known');
  expect(await refused(before)).toMatchObject({ reason: 'TOKEN_INVALID' });
});
