import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type pg from 'pg';
import { type Db, type Job, PgBoss } from 'pg-boss';
import { hasEnded, type JobRow } from './job.ts';
import { endJob, findJob, recordJobEvents } from './repository/jobs.ts';
import type { Repository, TimeLimits } from './repository.ts';
import { syntheticEvents } from './synthetic-events.ts';

// The queues that the migrations made.
const JOBS = 'jobs';
const FAILED_JOBS = 'failed-jobs';

// Events in one transaction: small enough that what others record waits for little.
const CHUNK = 1_000;

/** Puts a job into the queue in the client's transaction; again is no more than once. */
export type Enqueue = (client: pg.PoolClient, jobId: string) => Promise<void>;

/**
 * Starts to work jobs off, one at a time in each process. A job whose process dies goes on in another one from where it had
 * come, within about half a minute; one whose process is told to stop goes on within seconds. Each time that the same job is
 * broken off, whatever by, its next beginning is delayed for twice as long: from one or two seconds up to a minute.
 */
export function startJobs({
  postgres,
  repository,
  limits,
  logger,
  pollSeconds = 1,
  superviseSeconds = 10,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  repository: Pick<Repository, 'intoLog'>;
  limits: Pick<TimeLimits, 'maxLatenessSeconds' | 'maxSkewSeconds'>;
  logger: Pick<Logger, 'warn' | 'error'>;
  pollSeconds?: number;
  superviseSeconds?: number;
}): { enqueue: Enqueue; stop(): Promise<void> } {
  const leaving = new AbortController();
  const boss = new PgBoss({
    // Through the nodes, which know the primary and find the next one.
    db: { executeSql: (text, values) => postgres.write(({ pool }) => pool.query(text, values)) } as Db,
    // The tables are made by migrations, and the service's role may make none.
    migrate: false,
    createSchema: false,
    schedule: false,
    registerInstance: false,
    reindex: false,
    monitorVacuum: false,
    openTelemetry: { enabled: false },
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
  });
  boss.on('error', (err) => logger.warn({ err }, 'the queue of jobs is not served'));
  boss.on('warning', (warning) => logger.warn({ warning }, 'the queue of jobs warns'));

  function advance(job: JobRow): Promise<JobRow | undefined> {
    const from = Number(job.events_done);
    const count = Math.min(CHUNK, Number(job.events) - from);
    const events = syntheticEvents(job.parameters, { from, count, endMs: job.created_at.getTime() });
    const chunk = { jobId: job.job_id, from, events, limits };
    return repository.intoLog(() => postgres.write((primary) => recordJobEvents(primary, chunk), { idempotent: true }));
  }

  async function generate(queued: JobRow, lost: AbortSignal): Promise<void> {
    for (let job: JobRow | undefined = queued; job && !hasEnded(job); job = await advance(job)) {
      lost.throwIfAborted();
      leaving.signal.throwIfAborted();
    }
  }

  async function work([job]: Job<{ jobId: string }>[]): Promise<void> {
    const { jobId } = job!.data;
    const row = await postgres.read((node) => findJob(node, jobId), { primary: true });
    if (row) await generate(row, job!.signal);
  }

  async function giveUp([job]: Job<{ jobId: string }>[]): Promise<void> {
    const { jobId } = job!.data;
    logger.error({ jobId }, 'a job failed too often and is given up');
    await postgres.write((primary) => endJob(primary, jobId, 'FAILED', 'it failed too often'), { idempotent: true });
  }

  // In the background: a primary that is away holds nothing else up.
  const started = boss
    .start({ attempts: Number.MAX_SAFE_INTEGER })
    .then(async () => {
      await boss.work(JOBS, { pollingIntervalSeconds: pollSeconds }, work);
      await boss.work(FAILED_JOBS, { pollingIntervalSeconds: pollSeconds * 10 }, giveUp);
    })
    .catch((err: unknown) => {
      if (!leaving.signal.aborted) logger.error({ err }, 'jobs are not worked off by this process');
    });

  return {
    async enqueue(client, jobId) {
      await boss.send(JOBS, { jobId }, { id: jobId, db: { executeSql: (text, values) => client.query(text, values) } });
    },
    /** Leaves the running job to another process, and resolves once nothing is done any more. */
    async stop() {
      leaving.abort(new Error('the process is going away'));
      await boss.stop();
      await started;
    },
  };
}
