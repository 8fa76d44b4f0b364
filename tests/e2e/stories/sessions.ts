import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { STATS_TTL_MS, type Stage } from '../stage.ts';

/** A player's evening over REST, as a game client calls it: any process of player-state answers each call. */
export function sessionStories(stage: Stage): void {
  const counted = async (area: string) => {
    const { body } = await stage.rest(`/stats?area_code=${area}`);
    return (body as { modes: { current_count: string }[] }).modes[0]?.current_count ?? '0';
  };
  const untilCounted = (area: string, count: string) =>
    until(async () => (await counted(area)) === count, {
      what: `area ${area} to count ${count}`,
      within: STATS_TTL_MS + 5_000,
      every: 50,
    });

  describe('a session', () => {
    it('counts in its area from its start until the next one takes its place, and shows in the FULL view', async () => {
      const playerId = await stage.player();
      const token = await stage.token('player', playerId);
      const [first, second] = [randomUUID(), randomUUID()];
      const [lobby, arena] = [`lobby-${randomUUID()}`, `arena-${randomUUID()}`];
      const post = (path: string, body: object = {}) => stage.rest(path, { method: 'POST', token, body });
      const start = (sessionId: string, area: string) =>
        post(`/v1/players/${playerId}/sessions`, {
          session_id: sessionId,
          area_code: area,
          multiplayer_mode: 'royale',
        });

      const { status, body } = await start(first, lobby);
      expect(status).toBe(200);
      expect(body).toMatchObject({ session: { session_id: first, player_id: playerId } });
      await untilCounted(lobby, '1');
      for (let time = 0; time < 4; time += 1) {
        expect((await post(`/v1/sessions/${first}:heartbeat`)).status).toBe(200);
      }

      await start(second, arena);
      await untilCounted(arena, '1');
      await untilCounted(lobby, '0');
      const shown = async () => {
        const full = await stage.rest(`/v1/players/${playerId}/state?view=FULL`, { token });
        return (full.body as { presence: { online: boolean; area_code: string } }).presence;
      };
      expect(await shown()).toMatchObject({ online: true, area_code: arena, session_id: second });

      expect((await post(`/v1/sessions/${second}:end`)).status).toBe(200);
      await untilCounted(arena, '0');
      expect(await shown()).toMatchObject({ online: false, area_code: arena });
      const refused = await stage.rest(`/v1/players/${await stage.player()}/sessions`, {
        method: 'POST',
        token,
        body: { session_id: randomUUID(), area_code: lobby, multiplayer_mode: 'royale' },
      });
      expect(refused.status).toBe(403);
    });
  });
}
