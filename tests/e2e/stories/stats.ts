import { randomUUID } from 'node:crypto';
import type { ModeCount } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats';
import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { STATS_TTL_MS, type Stage } from '../stage.ts';

/** GET /stats and POST /events over REST, as a game calls them. */
export function statsStories(stage: Stage): void {
  const event = (area: string, changes: object = {}) => ({
    event_id: randomUUID(),
    area_code: area,
    multiplayer_mode: 'battle_royale',
    user_id: 'u1',
    event_name: 'LOGIN',
    ...changes,
  });
  const post = async (body: unknown) =>
    stage.rest('/events', { method: 'POST', token: await stage.token('server'), body });
  const modes = async (area: string) =>
    (
      (await stage.rest(`/stats?area_code=${area}`)).body as {
        modes: { multiplayer_mode: string; current_count: string }[];
      }
    ).modes;

  describe('area statistics', () => {
    it('answers the stats of an area without a token', async () => {
      const { status, body, headers } = await stage.rest('/stats?area_code=111');
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toMatch(/^max-age=[01]$/);
      expect(body).toMatchObject({ area_code: '111', modes: [], most_played_mode: '' });
    });

    it('counts an event once after the time to live, however often it is posted', async () => {
      const area = randomUUID();
      expect(await modes(area)).toEqual([]);
      const login = event(area);
      const results = [];
      for (let time = 0; time < 3; time += 1) {
        const { status, body } = await post(login);
        expect(status).toBe(200);
        results.push((body as { outcome: { result: string } }).outcome.result);
      }
      expect(results).toEqual(['RECORDED', 'DUPLICATE', 'DUPLICATE']);
      const counted = async () => (await modes(area))[0]?.current_count === '1';
      await until(counted, { what: 'the login to be counted', within: STATS_TTL_MS + 2_000, every: 50 });
      expect(await modes(area)).toEqual([{ multiplayer_mode: 'battle_royale', current_count: '1' }]);
      const rows = await stage.query('area-stats', 'select from area_mode_events where area_code = $1', [area]);
      expect(rows).toHaveLength(1);
    });

    it('counts an event with ACK_QUEUED once, however often it is posted, without a wait for its commit', async () => {
      const area = randomUUID();
      const login = event(area, { ack: 'ACK_QUEUED' });
      for (let time = 0; time < 3; time += 1) {
        const { status, body } = await post(login);
        expect({ status, body }).toEqual({
          status: 200,
          body: { outcome: { event_id: login.event_id, result: 'QUEUED', reason: '', message: '' } },
        });
      }
      const logged = () => stage.query('area-stats', 'select from area_mode_events where area_code = $1', [area]);
      await until(async () => (await logged()).length > 0, { what: 'the event to be recorded' });
      const counted = async () => (await modes(area))[0]?.current_count === '1';
      await until(counted, { what: 'the login to be counted', within: STATS_TTL_MS + 2_000, every: 50 });
      expect(await logged()).toHaveLength(1);
    });

    it('shows counts equal to the latest events in the database, most played first', async () => {
      const area = randomUUID();
      const events = [
        ...['a', 'b', 'c'].map((user) => event(area, { user_id: user, multiplayer_mode: 'duel' })),
        ...['d', 'e', 'f', 'g'].map((user) => event(area, { user_id: user, multiplayer_mode: 'raid' })),
        ...['d', 'e'].map((user) => event(area, { user_id: user, multiplayer_mode: 'raid', event_name: 'LOGOUT' })),
      ];
      for (const each of events) {
        expect((await post(each)).status).toBe(200);
      }
      const inDatabase = await stage.query(
        'area-stats',
        `select multiplayer_mode, count(*)::text as current_count from (
           select distinct on (multiplayer_mode, user_id) * from area_mode_events where area_code = $1
           order by multiplayer_mode, user_id, event_time desc, event_id desc) latest
         where event_name = 'LOGIN' group by 1 order by count(*) desc, 1`,
        [area],
      );
      expect(inDatabase).toEqual([
        { multiplayer_mode: 'duel', current_count: '3' },
        { multiplayer_mode: 'raid', current_count: '2' },
      ]);
      const settled = async () => JSON.stringify(await modes(area)) === JSON.stringify(inDatabase);
      await until(settled, { what: 'the stats to show the database', within: STATS_TTL_MS + 2_000, every: 50 });
    });

    it('shows a change to everybody who watches the area by gRPC-Web, without a token', async () => {
      const area = randomUUID();
      const watches = Array.from({ length: 5 }, () =>
        stage.connect({ web: true }).stats.watchAreaStats({ areaCode: area })[Symbol.asyncIterator](),
      );
      const counts = async () =>
        Promise.all(
          watches.map(async (watch) => {
            const { step } = (await watch.next()).value;
            return step.case === 'stats'
              ? step.value.modes.map(({ currentCount }: ModeCount) => currentCount)
              : step.case;
          }),
        );
      expect(await counts()).toEqual(Array(5).fill([]));
      expect((await post(event(area))).status).toBe(200);
      expect(await counts()).toEqual(Array(5).fill([1n]));
      for (const watch of watches) await watch.return?.();
    });

    it('lists the areas by their players, page by page', async () => {
      const areas = [randomUUID(), randomUUID()];
      const events = areas.flatMap((area, index) =>
        Array.from({ length: 900 + index }, () => event(area, { event_id: randomUUID(), user_id: randomUUID() })),
      );
      const batch = { method: 'POST', token: await stage.token('server'), body: { events } } as const;
      expect((await stage.rest('/v1/events:batch', batch)).status).toBe(200);
      const page = async (query: string) =>
        (await stage.rest(`/v1/areas?${query}`)).body as {
          areas: { area_code: string; current_count: string }[];
          next_page_token: string;
        };
      const listed = async () => (await page('page_size=1')).areas[0]?.area_code === areas[1];
      await until(listed, { what: 'the areas to be listed', within: 10_000, every: 50 });
      const first = await page('page_size=1');
      expect(first.areas).toEqual([{ area_code: areas[1], current_count: '901' }]);
      const second = await page(`page_size=1&page_token=${first.next_page_token}`);
      expect(second.areas).toEqual([{ area_code: areas[0], current_count: '900' }]);
      const refused = await stage.rest('/v1/areas?page_token=x');
      expect({ status: refused.status, body: JSON.stringify(refused.body) }).toEqual({
        status: 400,
        body: expect.stringContaining('PAGE_TOKEN_INVALID'),
      });
    });

    it.each([
      ['event_id', { event_id: 'no-uuid' }],
      ['area_code', { area_code: '' }],
      ['area_code', { area_code: 'x'.repeat(256) }],
      ['multiplayer_mode', { multiplayer_mode: undefined }],
      ['user_id', { user_id: 'tab\there' }],
      ['event_name', { event_name: 'JUMP' }],
      ['epoch_timestamp', { epoch_timestamp: '2300-01-01T00:00:00Z' }],
    ])('refuses an event with a wrong %s and names the field', async (field, changes) => {
      const { status, body } = await post(event('112', changes));
      expect({ status, body: JSON.stringify(body) }).toEqual({ status: 400, body: expect.stringContaining(field) });
      expect(body).toMatchObject({ code: 3 });
    });

    it('refuses a question without an area and names the field', async () => {
      const { status, body } = await stage.rest('/stats');
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain('area_code');
    });
  });
}
