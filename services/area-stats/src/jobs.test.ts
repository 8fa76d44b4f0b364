import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import { PgBoss } from 'pg-boss';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import { startJobs } from './jobs.ts';
import { createRepository } from './repository.ts';
import { createJobs } from './service/jobs.ts';
import { type Plan, syntheticEvents } from './synthetic-events.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };

let database: TestDatabase;
const stops: (() => Promise<void>)[] = [];
let warnings: unknown[];

beforeEach(async () => {
  warnings = [];
  database = await openTestDatabase();
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  await database.close();
  expect(warnings).toEqual([]);
});

/** The jobs of one process, with how many chunks it has recorded. */
function openProcess() {
  const process = { killed: false, chunks: 0 };
  const forgotten: ((fault: Error) => void)[] = [];
  const reach = <T>(work: () => Promise<T>): Promise<T> =>
    process.killed ? new Promise<T>((_, reject) => forgotten.push(reject)) : work();
  const postgres: TestDatabase['postgres'] = {
    read: (work) => reach(() => database.postgres.read(work)),
    write: (work) =>
      reach(() =>
        database.postgres.write(async (primary) => {
          const query: typeof primary.query = (statement) => {
            if (statement.name === 'record_job_events') process.chunks += 1;
            return primary.query(statement);
          };
          const answer = await work({ ...primary, query });
          // What a process that was killed meanwhile had sent is done, and it does not hear of it.
          return reach(async () => answer);
        }),
      ),
  };
  const log = (...told: unknown[]) => void (process.killed || warnings.push(told));
  const { enqueue, stop } = startJobs({
    postgres,
    repository: createRepository({ postgres }),
    limits: LIMITS,
    logger: { warn: log, error: log },
    pollSeconds: 0.5,
    superviseSeconds: 1,
  });
  stops.push(async () => {
    const stopped = stop();
    // Nothing of a killed process is waited for.
    const bury = setInterval(() => {
      for (const reject of forgotten.splice(0)) reject(new Error('killed'));
    }, 10);
    await stopped;
    clearInterval(bury);
  });
  return Object.assign(process, { jobs: createJobs({ postgres, enqueue }), stop });
}

const PLAN: Plan = { events: 5_500, areas: 4, modes: 3, users: 200, spanSeconds: 3_600, seed: '7' };

type Jobs = ReturnType<typeof createJobs>;

async function ended(jobs: Jobs, jobId: string) {
  await until(async () => !['QUEUED', 'RUNNING'].includes((await jobs.job(jobId)).state), {
    what: 'the job to end',
    within: 60_000,
  });
  return jobs.job(jobId);
}

/** The counts that the plan leads to: of each user the latest event there. */
function model(plan: Plan): string[] {
  const latest = new Map<string, string>();
  for (const event of syntheticEvents(plan, { from: 0, count: plan.events, endMs: Date.now() })) {
    latest.set(`${event.areaCode} ${event.multiplayerMode} ${event.userId}`, event.eventName);
  }
  const counts = new Map<string, number>();
  for (const [key, name] of latest) {
    const place = key.split(' ').slice(0, 2).join(' ');
    if (name === 'LOGIN') counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts].map(([place, count]) => `${place} ${count}`).sort();
}

async function stored(): Promise<string[]> {
  const { stored } = await countsOf(database);
  return stored.map((row) => `${row.area_code} ${row.multiplayer_mode} ${row.current_count}`).sort();
}

async function logged(): Promise<number> {
  const [row] = await database.rows<{ events: string }>('select count(*) as events from area_mode_events');
  return Number(row!.events);
}

test('a job is queued at once, shows its progress, and records every event of its plan without a lease', async () => {
  const { jobs } = openProcess();
  const queued = await jobs.generate(PLAN);
  expect(queued).toMatchObject({ state: 'QUEUED', events: '5500', events_done: '0', started_at: null, ended_at: null });
  const seen = new Set<number>();
  await until(
    async () => {
      const { events_done, ended_at } = await jobs.job(queued.job_id);
      seen.add(Number(events_done));
      return ended_at !== null;
    },
    { what: 'the job to end', within: 60_000, every: 1 },
  );
  expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
  expect(await jobs.job(queued.job_id)).toMatchObject({
    state: 'SUCCEEDED',
    events_done: '5500',
    events_recorded: '5500',
    error: '',
  });
  expect(await stored()).toEqual(model(PLAN));
  expect(await database.rows('select from area_mode_presence where lease_until is not null')).toEqual([]);
});

test('asked for twice nothing is recorded twice, by the same id or another one, and an id is one content', async () => {
  const { jobs } = openProcess();
  const jobId = randomUUID();
  const plan = { ...PLAN, events: 300 };
  const twice = await Promise.all([jobs.generate(plan, jobId), jobs.generate(plan, jobId)]);
  expect(twice.map(({ job_id }) => job_id)).toEqual([jobId, jobId]);
  await ended(jobs, jobId);
  expect(await jobs.generate(plan, jobId)).toMatchObject({ state: 'SUCCEEDED', events_recorded: '300' });
  await expect(jobs.generate({ ...plan, seed: '8' }, jobId)).rejects.toMatchObject({ reason: 'JOB_ID_REUSED' });

  const other = await jobs.generate(plan);
  expect(await ended(jobs, other.job_id)).toMatchObject({ state: 'SUCCEEDED', events_recorded: '0' });
  expect(await logged()).toBe(300);
});

test('a job whose process was killed goes on in another one from where it had come, and nothing is doubled', async () => {
  const plan = { ...PLAN, events: 20_000 };
  const killed = openProcess();
  const { job_id } = await killed.jobs.generate(plan);
  await until(() => killed.chunks >= 3, { what: 'some chunks', within: 30_000, every: 1 });
  killed.killed = true;
  const { jobs } = openProcess();
  const [before] = await database.rows<{ state: string }>('select state from jobs');
  expect(before!.state).toBe('RUNNING');
  // Its sign of life is long ago.
  await database.asOwner(`update pgboss.job set heartbeat_on = heartbeat_on - interval '1 minute' where name = 'jobs'`);
  expect(await ended(jobs, job_id)).toMatchObject({
    state: 'SUCCEEDED',
    events_done: '20000',
    events_recorded: '20000',
  });
  expect(await logged()).toBe(20_000);
  expect(await stored()).toEqual(model(plan));
});

test('a process that is told to stop leaves its job to another one', async () => {
  const plan = { ...PLAN, events: 20_000 };
  const first = openProcess();
  const { job_id } = await first.jobs.generate(plan);
  await until(() => first.chunks >= 2, { what: 'some chunks', within: 30_000, every: 1 });
  await first.stop();
  expect(await first.jobs.job(job_id)).toMatchObject({ state: 'RUNNING' });
  const second = openProcess();
  expect(await ended(second.jobs, job_id)).toMatchObject({ state: 'SUCCEEDED', events_recorded: '20000' });
  expect(await logged()).toBe(20_000);
});

test('a cancelled job records nothing more, whether it was queued or running, and stays cancelled', async () => {
  const { jobs } = openProcess();
  const running = await jobs.generate({ ...PLAN, events: 1_000_000, users: 10 });
  const queued = await jobs.generate({ ...PLAN, seed: '9' });
  expect(await jobs.cancel(queued.job_id)).toMatchObject({ state: 'CANCELLED', events_done: '0' });
  await until(async () => (await jobs.job(running.job_id)).state === 'RUNNING', {
    what: 'the job to begin',
    within: 30_000,
  });
  const cancelled = await jobs.cancel(running.job_id);
  expect(cancelled).toMatchObject({ state: 'CANCELLED', ended_at: expect.any(Date) });
  const events = await logged();
  expect(events).toBe(Number(cancelled.events_done));

  const after = await jobs.generate({ ...PLAN, events: 100, seed: '10' });
  await ended(jobs, after.job_id);
  expect(await logged()).toBe(events + 100);
  expect(await jobs.cancel(running.job_id)).toEqual(cancelled);
  expect(await jobs.cancel(after.job_id)).toMatchObject({ state: 'SUCCEEDED' });
  await expect(jobs.cancel(randomUUID())).rejects.toMatchObject({ reason: 'JOB_NOT_FOUND' });
  await expect(jobs.job(randomUUID())).rejects.toMatchObject({ reason: 'JOB_NOT_FOUND' });
});

test('a job whose events have grown too old meanwhile has failed and says why', async () => {
  const { jobs } = openProcess();
  const { job_id } = await jobs.generate({ ...PLAN, spanSeconds: 6 * 24 * 3_600 });
  await database.asOwner(`update jobs set created_at = created_at - interval '2 days'`);
  const failed = await ended(jobs, job_id);
  expect(failed.state).toBe('FAILED');
  expect(failed.error).toContain('accepted times');
});

test('a job is kept for a time after its end; then its id is free', async () => {
  const { jobs } = openProcess();
  const repository = createRepository(database);
  const jobId = randomUUID();
  const plan = { ...PLAN, events: 100 };
  await jobs.generate(plan, jobId);
  await ended(jobs, jobId);
  const goesOn = await jobs.generate({ ...plan, events: 1_000_000 });
  expect(await repository.trimJobs(30, 10)).toBe(0);
  await database.asOwner(`update jobs set ended_at = ended_at - interval '31 days'`);
  expect(await repository.trimJobs(30, 10)).toBe(1);
  await expect(jobs.job(jobId)).rejects.toMatchObject({ reason: 'JOB_NOT_FOUND' });
  await jobs.cancel(goesOn.job_id);
  await jobs.generate({ ...plan, seed: '8' }, jobId);
  expect(await ended(jobs, jobId)).toMatchObject({ state: 'SUCCEEDED', events_recorded: '100' });
});

test('a job makes the partition that its events lack', async () => {
  const { jobs } = openProcess();
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  await database.asOwner(`drop table area_mode_events_${today}`);
  const { job_id } = await jobs.generate({ ...PLAN, events: 100 });
  expect(await ended(jobs, job_id)).toMatchObject({ state: 'SUCCEEDED', events_recorded: '100' });
  expect(warnings).toEqual([]);
});

test('the tables of pg-boss are those that this version of the library expects', async () => {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.owner.query(text, values) },
    migrate: false,
    createSchema: false,
    registerInstance: false,
  });
  boss.on('error', () => undefined);
  expect(await boss.detectSchemaDrift()).toMatchObject({ ok: true });
});
