import { commonSettings, count, readConfig, str } from '@realmkeep/kit/app/config';

const settings = {
  ...commonSettings,
  ITEM_LOCATION_ADDRESS: str({
    desc: 'host:port of item-location, which is asked for the view FULL',
    example: 'item-location:50052',
  }),
  AREA_STATS_ADDRESS: str({
    desc: 'host:port of area-stats, which is told of every LOGIN and LOGOUT',
    example: 'area-stats:50053',
  }),
  INVENTORY_LIMIT: count({ default: 2_000, desc: 'Game items that a player holds at most', example: '2000' }),
  WATCH_HEARTBEAT_MS: count({
    default: 15_000,
    desc: 'The longest silence of a watch, broken by a heartbeat',
    example: '15000',
  }),
  CACHE_L1_MAX_BYTES: count({
    default: 64_000_000,
    desc: 'What a process keeps of players’ states in its memory, in bytes; 0: nothing',
    example: '64000000',
  }),
  CACHE_L1_TTL_MS: count({ default: 15_000, desc: 'How long a state is kept in memory at most', example: '15000' }),
  CACHE_L2_TTL_MS: count({
    default: 60_000,
    desc: 'How long a state is kept in Redis; the longest that a lost news of a write can last',
    example: '60000',
  }),
  REQUEST_RETENTION_DAYS: count({
    default: 30,
    desc: 'How long answers to transactions are kept for repeats',
    example: '30',
  }),
  OUTBOX_RETENTION_DAYS: count({
    default: 7,
    desc: 'How long events are kept; a follower that is further behind starts from a snapshot',
    example: '7',
  }),
  SESSION_LEASE_SECONDS: count({
    default: 60,
    desc: 'How long a session lives without a heartbeat; much longer than they take to be saved, and to be sent',
    example: '60',
  }),
  PRESENCE_RENEW_SECONDS: count({
    default: 3_600,
    desc: 'How often area-stats is told that sessions go on; much shorter than its lease, which is 24 hours by default',
    example: '3600',
  }),
  HEARTBEAT_SAVE_MS: count({ default: 5_000, desc: 'How often gathered heartbeats are saved', example: '5000' }),
  SESSION_RETENTION_DAYS: count({
    default: 30,
    desc: 'How long ended sessions are kept, and with them their ids; a player’s last one is kept for good',
    example: '30',
  }),
};

export type Config = ReturnType<typeof readSettings>;

/** Reads the settings once; throws with every fault. */
export function readSettings(env: NodeJS.ProcessEnv = process.env) {
  return readConfig(settings, env);
}
