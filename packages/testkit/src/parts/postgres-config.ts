import type { Spawned } from './child.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { PostgresUser } from './postgres-user.ts';

export type PostgresNodeOptions = {
  /** "primary" or "replica-1". */
  name: string;
  port: number;
  /** Its data folder: an initialised one. */
  data: string;
  log: string;
  binaries: PostgresBinaries;
  user: PostgresUser | undefined;
  superuserPassword: string;
  fsync: boolean;
  settings: Record<string, string>;
  /** The primary that it follows from its next start on; undefined while it is the primary. */
  upstream: () => { port: number; password: string } | undefined;
  spawned: Spawned | undefined;
};

/** Settings of every node; later ones win: these, then the node's, then the caller's. */
const COMMON: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  // No socket file, so no limit on the length of the folder's path.
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '256MB',
  password_encryption: 'scram-sha-256',
  wal_level: 'replica',
  max_wal_senders: '12',
  max_replication_slots: '12',
  // A replica that was away keeps its WAL on the primary up to this size, then it is seeded again.
  max_slot_wal_keep_size: '2GB',
  max_wal_size: '2GB',
  hot_standby: 'on',
  hot_standby_feedback: 'on',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
  max_prepared_transactions: '0',
  shared_preload_libraries: 'pg_stat_statements',
  track_io_timing: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] %q%u@%d ',
  log_checkpoints: 'off',
};

/** The whole postgresql.conf of a node. */
export function postgresConf({ name, port, fsync, settings, upstream: follows }: PostgresNodeOptions): string {
  const upstream = follows();
  const all: Record<string, string> = {
    ...COMMON,
    port: String(port),
    cluster_name: name,
    // Commits still reach the operating system one by one: only the machine's end loses them, not a server's.
    ...(!fsync && { fsync: 'off', full_page_writes: 'off' }),
    ...(upstream && {
      primary_conninfo: `host=127.0.0.1 port=${upstream.port} user=${REPLICATOR} password=${quoted(upstream.password, "\\'")} application_name=${slotName(name)}`,
      primary_slot_name: slotName(name),
    }),
    ...settings,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key} = ${quoted(value, "''")}\n`)
    .join('');
}

/** In quotes, as postgresql.conf and connection strings read them; they differ in how a quote inside is written. */
function quoted(value: string, quote: "''" | "\\'"): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", quote)}'`;
}

/** Passwords for everyone, from this machine alone. */
export const PG_HBA = `host all all 127.0.0.1/32 scram-sha-256
host replication replicator 127.0.0.1/32 scram-sha-256
`;

/** The role that replicas stream as. */
export const REPLICATOR = 'replicator';

/** The slot, and the name in synchronous_standby_names, of a replica: "replica-1" is replica_1. */
export function slotName(node: string): string {
  return node.replaceAll('-', '_');
}

/** The value of synchronous_standby_names with which a commit waits until any `count` of the nodes have it. */
export function synchronousStandbys(count: number, nodes: string[]): string {
  return `ANY ${count} (${nodes.map(slotName).join(', ')})`;
}
