import { randomUUID } from 'node:crypto';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { refuse } from '../errors.ts';
import { isSamePlan, type JobRow } from '../job.ts';
import type { Enqueue } from '../jobs.ts';
import { createJob, endJob, findJob } from '../repository/jobs.ts';
import type { Plan } from '../synthetic-events.ts';

export type Jobs = ReturnType<typeof createJobs>;

/** How jobs are asked for, looked at and cancelled. Job ids are lower-case UUIDs. */
export function createJobs({
  postgres,
  enqueue,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  enqueue: Enqueue;
}) {
  return {
    /** Queues the generation of data; again with the same id and content answers the job as it is by then. */
    async generate(plan: Plan, jobId: string = randomUUID()): Promise<JobRow> {
      const row = await postgres.write(
        (primary) =>
          primary.transaction(async (client) => {
            const job = await createJob(client, jobId, plan);
            if (job.state === 'QUEUED') await enqueue(client, jobId);
            return job;
          }),
        { idempotent: true },
      );
      if (isSamePlan(row.parameters, plan)) return row;
      throw refuse.JOB_ID_REUSED('the job id was used with other content', { job_id: jobId });
    },

    /** The job as it is now. Throws NOT_FOUND JOB_NOT_FOUND. */
    async job(jobId: string): Promise<JobRow> {
      return found(jobId, await postgres.read((node) => findJob(node, jobId), { primary: true }));
    },

    /** Stops a job after the chunk that it is at; one that has ended stays as it is. Throws NOT_FOUND JOB_NOT_FOUND. */
    async cancel(jobId: string): Promise<JobRow> {
      const row = await postgres.write((primary) => endJob(primary, jobId, 'CANCELLED', ''), { idempotent: true });
      return found(jobId, row);
    },
  };
}

function found(jobId: string, row: JobRow | undefined): JobRow {
  if (row) return row;
  throw refuse.JOB_NOT_FOUND('the job does not exist', { job_id: jobId });
}
