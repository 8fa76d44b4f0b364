import { commonSettings, count, readConfig, str } from '@realmkeep/kit/app/config';

const settings = {
  ...commonSettings,
  PLAYER_STATE_ADDRESS: str({
    desc: 'host:port of player-state, which is followed',
    example: 'player-state:50051',
  }),
  REQUEST_RETENTION_DAYS: count({
    default: 30,
    desc: 'How long answers to moves are kept for repeats',
    example: '30',
  }),
  WATCH_HEARTBEAT_MS: count({
    default: 15_000,
    desc: 'The longest silence of a watch, broken by a heartbeat',
    example: '15000',
  }),
  CACHE_L1_MAX_BYTES: count({
    default: 64_000_000,
    desc: 'What a process keeps of first pages in its memory, in bytes, and a quarter of it of other queries; 0: nothing',
    example: '64000000',
  }),
  CACHE_L1_TTL_MS: count({
    default: 15_000,
    desc: 'How long a first page is kept in memory at most',
    example: '15000',
  }),
  CACHE_L2_TTL_MS: count({
    default: 60_000,
    desc: 'How long a first page is kept in Redis; the longest that a lost news of a change can last',
    example: '60000',
  }),
  CACHE_QUERY_TTL_MS: count({
    default: 3_000,
    desc: 'How long answers to searches, nearby and listings of areas and items are kept in Redis, and again in memory',
    example: '3000',
  }),
};

export type Config = ReturnType<typeof readSettings>;

/** Reads the settings once; throws with every fault. */
export function readSettings(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(settings, env);
}
