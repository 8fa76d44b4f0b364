import { randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { createKeys, signToken, unsignedToken } from '@realmkeep/testkit/tokens';
import { describe, expect, it } from 'vitest';
import { createTransport } from '../../../tools/call/transport.ts';
import { codeName, outcomeOf } from '../outcome.ts';
import type { Stage } from '../stage.ts';

/** Who is let in, on every way to a service: through the ingress, and past it. */
export function tokenStories(stage: Stage): void {
  /** Reads a player's state on one way and answers the code. */
  type Way = (playerId: string, token: string | undefined) => Promise<string>;
  const overGrpc = (options: () => { web?: boolean; address?: string }): Way => {
    return async (playerId, token) => {
      const party = stage.connect({ token, ...options() });
      return (await outcomeOf(party.players.getPlayerState({ playerId }))).code;
    };
  };
  const ways: Record<string, Way> = {
    'REST through the ingress': async (playerId, token) => {
      const { body } = await stage.rest(`/v1/players/${playerId}/state`, token === undefined ? {} : { token });
      return codeName((body as { code?: number }).code ?? 0);
    },
    'gRPC through the ingress': overGrpc(() => ({})),
    'gRPC-Web through the ingress': overGrpc(() => ({ web: true })),
    'gRPC past the ingress': overGrpc(() => ({ address: stage.realm.services['player-state'][0].address })),
  };

  const badTokens = async (subject: string) => {
    const claims = { role: 'player', subject } as const;
    const stranger = await createKeys('callers');
    return {
      none: undefined,
      expired: await stage.realm.token({ ...claims, expiresIn: -600 }),
      'wrongly signed': await signToken(stranger.privateKey, claims),
      'alg: none': unsignedToken(claims),
      garbage: 'not.a.token',
    };
  };

  describe.each(Object.entries(ways))('a caller over %s', (_, read) => {
    it('reads its own state with a player token, and not that of another', async () => {
      const [own, other] = [await stage.player(), await stage.player()];
      const token = await stage.token('player', own);
      expect(await read(own, token)).toBe('OK');
      expect(await read(other, token)).toBe('PERMISSION_DENIED');
      expect(await read(other, await stage.token('server'))).toBe('OK');
    });

    it('is UNAUTHENTICATED without a token, and with an expired, wrongly signed or unsigned one', async () => {
      const own = await stage.player();
      const codes: Record<string, string> = {};
      for (const [what, token] of Object.entries(await badTokens(own))) {
        codes[what] = await read(own, token);
      }
      expect(new Set(Object.values(codes)), JSON.stringify(codes)).toEqual(new Set(['UNAUTHENTICATED']));
    });
  });

  describe('a caller past the ingress', () => {
    it('is held to its own things by item-location itself', async () => {
      const { address } = stage.realm.services['item-location'][0];
      const [own, other] = [await stage.player(), await stage.player()];
      const { things } = stage.connect({ token: await stage.token('player', own), address });
      expect((await outcomeOf(things.listItemLocations({ playerId: own }))).code).toBe('OK');
      expect((await outcomeOf(things.listItemLocations({ playerId: other }))).code).toBe('PERMISSION_DENIED');
      for (const token of Object.values(await badTokens(own))) {
        const stranger = stage.connect({ token, address });
        expect((await outcomeOf(stranger.things.listItemLocations({ playerId: own }))).code).toBe('UNAUTHENTICATED');
      }
    });

    it('is held to its role by area-stats itself', async () => {
      const { address } = stage.realm.services['area-stats'][0];
      const event = { areaCode: 'e2e-roles', multiplayerMode: 'duel', userId: 'u1', eventName: 'LOGIN' };
      const record = async (token: string | undefined) => {
        const { transport, close } = createTransport({ address, token });
        const stats = createClient(AreaStatsService, transport);
        return outcomeOf(stats.recordEvent({ ...event, eventId: randomUUID() })).finally(close);
      };
      expect((await record(await stage.token('server'))).code).toBe('OK');
      expect((await record(await stage.token('player', randomUUID()))).code).toBe('PERMISSION_DENIED');
      for (const token of Object.values(await badTokens('e2e'))) {
        expect((await record(token)).code).toBe('UNAUTHENTICATED');
      }
    });
  });
}
