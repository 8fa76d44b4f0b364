import { implement } from '@realmkeep/kit/server/implementation';
import { JobService } from '@realmkeep/proto/realmkeep/area_stats/v1/job_service';
import { planOf, toJob } from '../job.ts';
import type { Jobs } from '../service/jobs.ts';

/** The RPCs of jobs. */
export function createJobRpc({ jobs }: { jobs: Jobs }) {
  return implement(JobService, {
    generateData: async (request) => ({
      $typeName: 'realmkeep.area_stats.v1.GenerateDataResponse',
      job: toJob(await jobs.generate(planOf(request), request.jobId.toLowerCase() || undefined)),
    }),
    getJob: async ({ jobId }) => ({
      $typeName: 'realmkeep.area_stats.v1.GetJobResponse',
      job: toJob(await jobs.job(jobId.toLowerCase())),
    }),
    cancelJob: async ({ jobId }) => ({
      $typeName: 'realmkeep.area_stats.v1.CancelJobResponse',
      job: toJob(await jobs.cancel(jobId.toLowerCase())),
    }),
  });
}
