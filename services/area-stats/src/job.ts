import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Job, Job_State, JobSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/job';
import type { GenerateDataRequest } from '@realmkeep/proto/realmkeep/area_stats/v1/job_service';
import type { Plan } from './synthetic-events.ts';

/** A job as the database has it. */
export type JobRow = {
  job_id: string;
  state: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  parameters: Plan;
  events: string;
  events_done: string;
  events_recorded: string;
  error: string;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
};

const DEFAULTS = { areas: 10, modes: 5, users: 1_000, spanSeconds: 24 * 3_600 };

/** What a request asks to generate; what it leaves out is the contract's default. */
export function planOf({ events, areas, modes, users, span, seed }: GenerateDataRequest): Plan {
  return {
    events: Number(events),
    areas: areas || DEFAULTS.areas,
    modes: modes || DEFAULTS.modes,
    users: users || DEFAULTS.users,
    spanSeconds: span ? Number(span.seconds) + span.nanos / 1e9 : DEFAULTS.spanSeconds,
    seed: String(seed),
  };
}

/** Whether two plans generate the same. */
export function isSamePlan(one: Plan, other: Plan): boolean {
  return (Object.keys(one) as (keyof Plan)[]).every((field) => one[field] === other[field]);
}

/** Whether nothing more will be done for it. */
export function hasEnded({ state }: JobRow): boolean {
  return state !== 'QUEUED' && state !== 'RUNNING';
}

/** The job as the contract shows it. */
export function toJob(row: JobRow): Job {
  return create(JobSchema, {
    jobId: row.job_id,
    state: Job_State[row.state],
    events: BigInt(row.events),
    eventsDone: BigInt(row.events_done),
    eventsRecorded: BigInt(row.events_recorded),
    error: row.error,
    createTime: timestampFromDate(row.created_at),
    ...(row.started_at && { startTime: timestampFromDate(row.started_at) }),
    ...(row.ended_at && { endTime: timestampFromDate(row.ended_at) }),
  });
}
