import { randomUUID } from 'node:crypto';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { credit } from '../operations.ts';
import { outcomeOf } from '../outcome.ts';
import type { Stage } from '../stage.ts';

type Bad = {
  method?: 'POST';
  path: string;
  body?: unknown;
  status: number;
  /** What the answer must name: the field, the parameter or the reason. */
  names: string;
};

const max = '9223372036854775807';

/** Requests that no server may take: each a clear error, nothing changed. */
export function badRequestStories(stage: Stage): void {
  const gold = (playerId: string, amount: string) => ({ player_id: playerId, credit: { currency: 'gold', amount } });
  const transaction = (operations: object[]) => ({ transaction_id: randomUUID(), operations });
  const post = (path: string, body: unknown, names: string, status = 400): Bad => ({
    method: 'POST',
    path,
    body,
    status,
    names,
  });

  /** By what is wrong; made for a player that holds 100 gold. */
  const bad: Record<string, (playerId: string) => Bad> = {
    'malformed JSON': () => post('/v1/transactions', '{"transaction_id": "', 'malformed'),
    'an unknown field': (id) => post('/v1/players', { player_id: id, display_name: 'A', level: 3 }, 'level'),
    'an unknown query parameter': () => ({ path: '/stats?area_code=111&region=1', status: 400, names: 'region' }),
    'a wrong UUID in the path': () => ({ path: '/v1/players/ada/state', status: 400, names: 'player_id' }),
    'a wrong UUID in the body': (id) =>
      post('/v1/transactions', { transaction_id: 'one', operations: [gold(id, '1')] }, 'transaction_id'),
    'a negative amount': (id) => post('/v1/transactions', transaction([gold(id, '-5')]), 'amount'),
    'an amount of zero': (id) => post('/v1/transactions', transaction([gold(id, '0')]), 'amount'),
    'an amount beyond int64': (id) =>
      post('/v1/transactions', transaction([gold(id, '9223372036854775808')]), 'amount'),
    'a balance beyond int64': (id) => post('/v1/transactions', transaction([gold(id, max)]), 'BALANCE_LIMIT'),
    '101 operations': (id) =>
      post('/v1/transactions', transaction(Array.from({ length: 101 }, () => gold(id, '1'))), 'operations'),
    'no operation': () => post('/v1/transactions', transaction([]), 'operations'),
    'an unknown player beside a known one': (id) =>
      post('/v1/transactions', transaction([gold(id, '1'), gold(randomUUID(), '1')]), 'PLAYER_NOT_FOUND', 404),
    'a broken page token': (id) => ({
      path: `/v1/players/${id}/transactions?page_token=broken`,
      status: 400,
      names: 'PAGE_TOKEN_INVALID',
    }),
    'a page that is too large': (id) => ({
      path: `/v1/item-locations?player_id=${id}&page_size=1001`,
      status: 400,
      names: 'page_size',
    }),
    'two filters': (id) => ({
      path: `/v1/item-locations?player_id=${id}&area_code=111`,
      status: 400,
      names: 'only one of',
    }),
  };

  describe('a bad request', () => {
    it.each(Object.entries(bad))('with %s is refused in words, and changes nothing', async (_, make) => {
      const playerId = await stage.player();
      await stage.server.players.applyTransaction({
        transactionId: randomUUID(),
        operations: [credit(playerId, 100n)],
      });
      const state = () => stage.server.players.getPlayerState({ playerId, minVersion: 2n });
      const before = (await state()).state;

      const { path, status, names, ...request } = make(playerId);
      const answer = await stage.rest(path, { token: await stage.token('server'), ...request });
      expect(answer).toMatchObject({ status, body: { code: expect.any(Number), message: expect.any(String) } });
      expect(JSON.stringify(answer.body)).toContain(names);
      expect(JSON.stringify(answer.body)).toContain('google.rpc.ErrorInfo');

      expect((await state()).state).toEqual(before);
    });

    it('that is oversized is refused over REST and over gRPC', async () => {
      const token = await stage.token('server');
      const body = { player_id: randomUUID(), display_name: 'x'.repeat(5 << 20) };
      const rest = await stage.rest('/v1/players', { method: 'POST', token, body });
      expect(rest).toMatchObject({ status: 413, body: { code: 8 } });

      const party = stage.connect({ token });
      const grpc = await party.players
        .createPlayer({ playerId: body.player_id, displayName: body.display_name })
        .catch((error: unknown) => ConnectError.from(error).code);
      expect(grpc).toBe(Code.ResourceExhausted);
      const read = await outcomeOf(stage.server.players.getPlayerState({ playerId: body.player_id }));
      expect(read).toEqual({ code: 'NOT_FOUND', reason: 'PLAYER_NOT_FOUND' });
    });
  });
}
