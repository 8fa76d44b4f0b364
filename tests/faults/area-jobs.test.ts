import { randomUUID } from 'node:crypto';
import { JobService } from '@realmkeep/proto/realmkeep/area_stats/v1/job_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAreaStage } from './area-stage.ts';
import { forSure } from './for-sure.ts';

const PLAN = { events: 60_000n, areas: 4, modes: 3, users: 2_000, seed: 7n };

type AreaStage = Awaited<ReturnType<typeof startAreaStage>>;

const stages: AreaStage[] = [];
beforeAll(async () => {
  stages.push(...(await Promise.all([1, 2].map(() => startAreaStage({ replicas: 1 })))));
});
afterAll(() => Promise.all(stages.map((stage) => stage.stop())));

type Job = { state: string; done: number; recorded: number; retries: number };

async function jobIn({ sql }: AreaStage): Promise<Job> {
  const [job] = await sql<Job>(
    `select jobs.state, events_done::int as done, events_recorded::int as recorded, retry_count as retries
     from jobs join pgboss.job on id = job_id`,
  );
  return job!;
}

async function generate(stage: AreaStage): Promise<void> {
  const jobs = await stage.connect(JobService, 0, 'admin');
  const jobId = randomUUID();
  await forSure(() => jobs.generateData({ ...PLAN, jobId }));
}

/** Waits for the job's end; answers what it has left: the counts, and the events of the log. */
async function resultOf(stage: AreaStage) {
  await until(async () => (await jobIn(stage)).state === 'SUCCEEDED', {
    what: 'the job to end',
    within: 150_000,
    every: 100,
  });
  const counts = await stage.sql(
    'select area_code, multiplayer_mode, current_count from area_mode_events_agg order by 1, 2',
  );
  const [log] = await stage.sql(
    'select count(*)::int as events, count(distinct event_id)::int as ids from area_mode_events',
  );
  return { counts, log };
}

test('a job whose process is killed amid it goes on in another one, and leaves the counts of one that was not', async () => {
  const [whole, cut] = stages as [AreaStage, AreaStage];
  await generate(cut);
  await until(async () => (await jobIn(cut)).done >= 5_000, { what: 'the job to be amid', within: 60_000 });
  await cut.restart(0);
  const left = await jobIn(cut);
  expect(left.state).toBe('RUNNING');
  await generate(whole);
  const expected = await resultOf(whole);
  expect(expected.counts).toHaveLength(12);
  expect(expected.log).toEqual({ events: 60_000, ids: 60_000 });

  expect(await resultOf(cut)).toEqual(expected);
  const { done, recorded, retries } = await jobIn(cut);
  expect({ done, recorded }).toEqual({ done: 60_000, recorded: 60_000 });
  expect(retries).toBeGreaterThanOrEqual(1);
  console.log(`a process was killed after ${left.done} of ${done} events`);
}, 240_000);
