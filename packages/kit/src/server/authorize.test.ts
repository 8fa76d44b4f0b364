import { status } from '@grpc/grpc-js';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RpcError } from '../errors/rpc-error.ts';
import { answering } from './answering.fixture.ts';
import { rejection, type ServerFixture, serviceToken, startServerFixture } from './server.fixture.ts';

const PLAYER = '0198c2a4-5c55-7bd0-8a43-3d0b5a1c2f11';
const OTHER = '0198c2a4-5c55-7bd0-8a43-3d0b5a1c2f12';
const ROLES = ['anyone', 'player', 'server', 'admin', 'service'] as const;
type RoleName = (typeof ROLES)[number];

let fixture: ServerFixture;
let tokenOf: Record<RoleName, string | undefined>;

beforeAll(async () => {
  fixture = await startServerFixture({
    implementations: [
      answering(ItemCatalogService),
      answering(AreaStatsService),
      answering(ItemEventService),
      answering(PlayerStateService),
    ],
  });
  const { token } = fixture.tokens;
  tokenOf = {
    anyone: undefined,
    player: await token({ role: 'player', subject: PLAYER }),
    server: await token({ role: 'server', subject: 'a-server' }),
    admin: await token({ role: 'admin', subject: 'an-admin' }),
    service: await serviceToken(fixture.tokens),
  };
});
afterAll(() => fixture.close());

const item = { itemId: 'iron-sword', name: 'Iron sword', kind: 'weapon', maxStack: 1n };
const event = { eventId: OTHER, areaCode: '111', multiplayerMode: 'royale', userId: 'u1', eventName: 'LOGIN' };

describe('each role is let in where the contract says so, and nowhere else', () => {
  const calls: Record<string, { allowed: RoleName[]; call: (token?: string) => Promise<unknown> }> = {
    'listed as ADMIN': {
      allowed: ['admin'],
      call: (token) => fixture.client(ItemCatalogService, token).createItem(item),
    },
    'listed as PLAYER, SERVER': {
      allowed: ['player', 'server', 'admin'],
      call: (token) => fixture.client(ItemCatalogService, token).getItem({ itemId: 'iron-sword' }),
    },
    'listed as SERVER': {
      allowed: ['server', 'admin'],
      call: (token) => fixture.client(AreaStatsService, token).recordEvent(event),
    },
    'listed as SERVER, SERVICE': {
      allowed: ['server', 'admin', 'service'],
      call: (token) => fixture.client(AreaStatsService, token).recordEvents({ events: [event] }),
    },
    'listed as ANYONE': {
      allowed: [...ROLES],
      call: (token) => fixture.client(AreaStatsService, token).getAreaStats({ areaCode: '111' }),
    },
    'a stream listed as SERVICE': {
      allowed: ['service'],
      call: (token) => fixture.client(ItemEventService, token).followItemEvents({})[Symbol.asyncIterator]().next(),
    },
  };

  for (const [what, { allowed, call }] of Object.entries(calls)) {
    for (const role of ROLES) {
      test(`${what}: ${role} is ${allowed.includes(role) ? 'allowed' : 'denied'}`, async () => {
        const answer = call(tokenOf[role]).then(
          () => 'allowed',
          ({ code, reason }: RpcError) => `${status[code]} ${reason}`,
        );
        const denied = role === 'anyone' ? 'UNAUTHENTICATED TOKEN_MISSING' : 'PERMISSION_DENIED ROLE_NOT_ALLOWED';
        expect(await answer).toBe(allowed.includes(role) ? 'allowed' : denied);
      });
    }
  }
});

test('a player reads its own data, in letters of any case, and nobody else’s', async () => {
  const client = fixture.client(PlayerStateService, tokenOf.player);
  await client.getPlayerState({ playerId: PLAYER.toUpperCase() });
  const denied = { code: status.PERMISSION_DENIED, reason: 'NOT_YOUR_DATA' };
  expect(await rejection(client.getPlayerState({ playerId: OTHER }))).toMatchObject(denied);
  expect(await rejection(client.getPlayerState({}))).toMatchObject(denied);
});

test('a server and an admin read any player’s data', async () => {
  await fixture.client(PlayerStateService, tokenOf.server).getPlayerState({ playerId: OTHER });
  await fixture.client(PlayerStateService, tokenOf.admin).getPlayerState({ playerId: OTHER });
});
