import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { STATS_TTL_MS, type Stage } from '../stage.ts';

/** POST /generate_data over REST, as an operator calls it. */
export function jobStories(stage: Stage): void {
  type Job = { job_id: string; state: string; events_done: string };

  describe('generated data', () => {
    it('is asked for at once, with or without a slash behind, and counted once its job is done', async () => {
      const token = await stage.token('admin');
      const body = { events: '3000', areas: 3, modes: 2, users: 500, seed: '7' };
      const asked = await stage.rest('/generate_data', { method: 'POST', token, body });
      expect([asked.status, asked.body]).toMatchObject([
        200,
        { job: { state: 'QUEUED', events: '3000', events_done: '0' } },
      ]);
      const path = `/v1/jobs/${(asked.body as { job: Job }).job.job_id}`;
      const job = async () => ((await stage.rest(path, { token })).body as { job: Job }).job;
      await until(async () => (await job()).state === 'SUCCEEDED', { what: 'the job to end', within: 30_000 });
      expect(await job()).toMatchObject({ events_done: '3000', events_recorded: '3000', error: '' });

      const [stored] = await stage.query(
        'area-stats',
        `select sum(current_count)::text as count from area_mode_events_agg where area_code = '101'`,
      );
      const shown = async () => {
        const { modes } = (await stage.rest('/stats?area_code=101')).body as { modes: { current_count: string }[] };
        return String(modes.reduce((sum, mode) => sum + Number(mode.current_count), 0));
      };
      await until(async () => (await shown()) === stored!.count, { what: 'the counts', within: STATS_TTL_MS + 5_000 });

      const again = await stage.rest('/generate_data/', { method: 'POST', token, body });
      expect(again.status).toBe(200);
      const { job_id } = (again.body as { job: Job }).job;
      const cancelled = await stage.rest(`/v1/jobs/${job_id}:cancel`, { method: 'POST', token, body: {} });
      expect(['CANCELLED', 'SUCCEEDED']).toContain((cancelled.body as { job: Job }).job.state);
      expect(
        await stage.query('area-stats', `select from area_mode_events where user_id like 'generated-%'`),
      ).toHaveLength(3_000);
    });

    it('is for operators only', async () => {
      const ask = async (token?: string) =>
        (await stage.rest('/generate_data', { method: 'POST', ...(token && { token }), body: { events: '1' } })).status;
      expect(await ask()).toBe(401);
      expect(await ask(await stage.token('server'))).toBe(403);
    });
  });
}
