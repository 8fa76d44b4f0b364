import { bool, commonSettings, count, makeValidator, readConfig } from '@realmkeep/kit/app/config';

const wholeNumber = (least: number) =>
  makeValidator<number>((input) => {
    const value = Number(input);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new TypeError(`"${input}" is not a whole number of ${least} or more`);
    }
    return value;
  });

const settings = {
  ...commonSettings,
  AREA_STATS_TTL_SECONDS: wholeNumber(1)({
    default: 30,
    desc: 'How long the counts of an area are cached, at most',
    example: '30',
  }),
  AREA_STATS_MAX_LATENESS_SECONDS: wholeNumber(1)({
    default: 7 * 24 * 3600,
    desc: 'How old an event may be when it is received',
    example: '604800',
  }),
  AREA_STATS_MAX_SKEW_SECONDS: count({
    default: 300,
    desc: 'How far ahead of the database’s clock an event may be',
    example: '300',
  }),
  AREA_STATS_LEASE_SECONDS: wholeNumber(1)({
    default: 24 * 3600,
    desc: 'How long a LOGIN counts, from its receipt or its last renewal',
    example: '86400',
  }),
  AREA_STATS_SWEEP_SECONDS: wholeNumber(1)({
    default: 10,
    desc: 'How often presences whose lease has run out are taken off the counts',
    example: '10',
  }),
  AREA_STATS_LOG_DAYS: wholeNumber(1)({
    default: 30,
    desc: 'How many days the event log is kept for operators to read; counts do not need it',
    example: '30',
  }),
  AREA_STATS_JOB_DAYS: wholeNumber(1)({
    default: 30,
    desc: 'How many days a job is kept after its end',
    example: '30',
  }),
  AREA_STATS_WATCH_INTERVAL_MS: wholeNumber(100)({
    default: 1_000,
    desc: 'How often a process asks for what is new to those who watch',
    example: '1000',
  }),
  WATCH_HEARTBEAT_MS: wholeNumber(1)({
    default: 15_000,
    desc: 'The longest silence on a watch',
    example: '15000',
  }),
  AREA_STATS_QUEUE_SHARDS: wholeNumber(1)({
    default: 6,
    desc: 'Streams that the event queue is made of, at most 64; what waits in those of a greater number is still recorded',
    example: '6',
  }),
  AREA_STATS_QUEUE_CAPACITY: wholeNumber(1)({
    default: 200_000,
    desc: 'Events that wait in the queue at most, evenly over its shards; more are refused',
    example: '200000',
  }),
  AREA_STATS_QUEUE_REPLICAS: count({
    default: 0,
    desc: 'Replicas of the Redis primary that must have a queued event before it is acknowledged',
    example: '1',
  }),
  AREA_STATS_QUEUE_FSYNC: bool({
    default: false,
    desc: 'Whether a queued event must be on the disk of the primary and of those replicas before it is acknowledged',
    example: 'true',
  }),
  AREA_STATS_QUEUE_WAIT_MS: wholeNumber(1)({
    default: 1_500,
    desc: 'How long that may take; then the event is not acknowledged',
    example: '1500',
  }),
  AREA_STATS_QUEUE_RECLAIM_MS: wholeNumber(1)({
    default: 30_000,
    desc: 'A queued event that a process took so long ago without a sign of life goes to another one',
    example: '30000',
  }),
};

/** The settings of area-stats. */
export type Config = ReturnType<typeof readSettings>;

/** Reads the settings from the environment; throws ConfigError that lists every fault. */
export function readSettings(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(settings, env);
}
