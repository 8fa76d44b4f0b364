import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Spawned } from './child.ts';
import type { Part } from './part.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { REPLICATOR } from './postgres-config.ts';
import { copyData, initialise } from './postgres-data.ts';
import { createPostgresNode, type PostgresNodeOptions } from './postgres-node.ts';
import { createPostgresReplica, withClient } from './postgres-replica.ts';
import { postgresUser } from './postgres-user.ts';

/** Whom to connect as, and to which database; the default is the superuser in `postgres`. */
export type PostgresAccess = { user: string; password: string; database: string };

export type PostgresCluster = {
  primary: Part;
  replicas: Part[];
  /** The connection URL of the primary. */
  primaryUrl(access?: PostgresAccess): string;
  /** The connection URLs of the replicas, in their order. */
  replicaUrls(access?: PostgresAccess): string[];
  /** Fast shutdown of the replicas, then of the primary. */
  stop(): Promise<void>;
};

export type PostgresClusterOptions = {
  /** Where the data folders go: one that `postgresUser()` can enter. */
  folder: string;
  /** Where the logs go. */
  logs: string;
  /** One port a node, the primary's first: as many nodes as ports. */
  ports: number[];
  /** Must stay the same for one folder. */
  passwords: { superuser: string; replicator: string };
  /** False loses data when the machine dies: for tests. */
  fsync: boolean;
  /** Further server settings, which win over the defaults. */
  settings?: Record<string, string>;
  say: (line: string) => void;
  spawned?: Spawned;
};

/**
 * Starts a Postgres primary and its asynchronous streaming replicas; makes what is missing of their data. Resolves
 * once every replica streams. Each node listens on 127.0.0.1 alone and asks everyone for a password.
 */
export async function startPostgres(options: PostgresClusterOptions): Promise<PostgresCluster> {
  const { folder, logs, ports, passwords, fsync, settings = {}, say, spawned } = options;
  const user = postgresUser();
  const binaries = postgresBinaries({ user, say });
  const [primaryPort, ...replicaPorts] = ports as [number, ...number[]];
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);

  const node = (name: string, port: number, follows: boolean): PostgresNodeOptions => ({
    name,
    port,
    data: join(folder, name),
    log: join(logs, `postgres-${name}.log`),
    binaries,
    user,
    superuserPassword: passwords.superuser,
    fsync,
    settings,
    upstream: follows ? { port: primaryPort, password: passwords.replicator } : undefined,
    spawned,
  });
  const primaryNode = node('primary', primaryPort, false);
  const replicaNodes = replicaPorts.map((port, index) => node(`replica-${index + 1}`, port, true));

  if (!existsSync(primaryNode.data)) {
    say('making a new database cluster');
    await initialise(primaryNode);
  }
  const owner = user?.uid ?? process.getuid?.();
  if (statSync(primaryNode.data).uid !== owner) {
    throw new Error(
      `the data in ${folder} belong to another user than the one that Postgres would run as (id ${owner}). Mend it: start as the user that started before, or remove that folder with all its data`,
    );
  }
  const primary = createPostgresNode(primaryNode);
  // The primary does not run yet, so its folder is a faithful copy as it is.
  const missing = replicaNodes.filter(({ data }) => !existsSync(data));
  await Promise.all(missing.map(({ data }) => copyData({ from: primaryNode.data, to: data, user })));

  const access = { user: 'postgres', password: passwords.superuser, database: 'postgres' };
  const replicas = replicaNodes.map((replica) =>
    createPostgresReplica({ ...replica, primaryUrl: url(primaryPort, access), primaryData: primaryNode.data, say }),
  );
  const stop = async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await primary.stop();
  };
  try {
    await primary.start();
    await ensureReplicator(url(primaryPort, access), passwords.replicator);
    await Promise.all(replicas.map((replica) => replica.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    primary,
    replicas,
    primaryUrl: (as = access) => url(primaryPort, as),
    replicaUrls: (as = access) => replicaPorts.map((port) => url(port, as)),
    stop,
  };
}

async function ensureReplicator(superuserUrl: string, password: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [REPLICATOR]);
    if (rowCount === 0) {
      await client.query(`create role ${REPLICATOR} login replication password ${client.escapeLiteral(password)}`);
    }
    await client.query('create extension if not exists pg_stat_statements');
  });
}

function url(port: number, { user, password, database }: PostgresAccess): string {
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}
