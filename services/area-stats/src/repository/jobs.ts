import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type pg from 'pg';
import type { Event } from '../event.ts';
import type { JobRow } from '../job.ts';
import type { TimeLimits } from '../repository.ts';
import type { Plan } from '../synthetic-events.ts';

/** Creates a job in the client's transaction, or answers the one that has the id already. */
export async function createJob(client: pg.PoolClient, jobId: string, plan: Plan): Promise<JobRow> {
  const { rows } = await client.query<JobRow>({
    name: 'create_job',
    text: `select * from create_job($1, $2, $3) where ${commitBarrier} is not null`,
    values: [jobId, plan, plan.events],
  });
  return rows[0]!;
}

/** The job as the primary has it; undefined when there is none. */
export async function findJob(node: Reader, jobId: string): Promise<JobRow | undefined> {
  const { rows } = await node.query<JobRow>({
    name: 'find_job',
    text: 'select * from jobs where job_id = $1',
    values: [jobId],
  });
  return rows[0];
}

/** Ends a job that has not ended; answers it as it then is, undefined when there is none. */
export async function endJob(
  primary: Reader,
  jobId: string,
  state: 'CANCELLED' | 'FAILED',
  error: string,
): Promise<JobRow | undefined> {
  const { rows } = await primary.query<JobRow>({
    name: 'end_job',
    text: `select * from end_job($1, $2, $3) where ${commitBarrier} is not null`,
    values: [jobId, state, error],
  });
  return rows[0];
}

/** Records the job's events from that place on and moves the job past them, both or neither; answers the job as it then is. */
export async function recordJobEvents(
  primary: Reader,
  {
    jobId,
    from,
    events,
    limits,
  }: {
    jobId: string;
    from: number;
    events: Event[];
    limits: Pick<TimeLimits, 'maxLatenessSeconds' | 'maxSkewSeconds'>;
  },
): Promise<JobRow | undefined> {
  const { rows } = await primary.query<JobRow>({
    name: 'record_job_events',
    text: `select * from record_job_events(
      $1, $2, $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
      make_interval(secs => $9), make_interval(secs => $10))`,
    values: [
      jobId,
      from,
      events.map(({ eventId }) => eventId),
      events.map(({ areaCode }) => areaCode),
      events.map(({ multiplayerMode }) => multiplayerMode),
      events.map(({ userId }) => userId),
      events.map(({ eventName }) => eventName),
      events.map(({ eventTime }) => eventTime),
      limits.maxLatenessSeconds,
      limits.maxSkewSeconds,
    ],
  });
  return rows[0];
}
