import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Spawned } from './child.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { REPLICATOR, synchronousStandbys } from './postgres-config.ts';
import { copyData, initialise } from './postgres-data.ts';
import { createPostgresMember, type PostgresMember } from './postgres-member.ts';
import { withClient } from './postgres-replica.ts';
import { postgresUser } from './postgres-user.ts';

/** Whom to connect as, and to which database; the default is the superuser in `postgres`. */
export type PostgresAccess = { user: string; password: string; database: string };

export type PostgresCluster = {
  /** The primary of now. */
  readonly primary: PostgresMember;
  /** The others, in the order of their ports. */
  readonly replicas: PostgresMember[];
  /** The connection URL of the primary. */
  primaryUrl(access?: PostgresAccess): string;
  /** The connection URLs of the replicas, in their order. */
  replicaUrls(access?: PostgresAccess): string[];
  /**
   * Makes a running replica the primary; the old one must not run any more. The other running replicas follow the new
   * primary when this resolves, the old primary follows from its next start on. Forgotten at the end of this process.
   */
  promote(replica: PostgresMember): Promise<void>;
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
  /** How many replicas must have a commit before it is acknowledged; default 0. */
  synchronous?: number;
  /** Further server settings, which win over the defaults. */
  settings?: Record<string, string>;
  say: (line: string) => void;
  spawned?: Spawned;
};

/**
 * Starts a Postgres primary and its streaming replicas; makes what is missing of their data. Resolves once every
 * replica streams. Each node listens on 127.0.0.1 alone and asks everyone for a password.
 */
export async function startPostgres(options: PostgresClusterOptions): Promise<PostgresCluster> {
  const { folder, logs, ports, passwords, fsync, synchronous = 0, say, spawned } = options;
  const user = postgresUser();
  const binaries = postgresBinaries({ user, say });
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
  const access = { user: 'postgres', password: passwords.superuser, database: 'postgres' };
  const names = ports.map((_, place) => (place === 0 ? 'primary' : `replica-${place}`));
  const settings = {
    ...(synchronous > 0 && { synchronous_standby_names: synchronousStandbys(synchronous, names) }),
    ...options.settings,
  };

  let leader = 0;
  const members: PostgresMember[] = ports.map((port, place) =>
    createPostgresMember({
      name: names[place]!,
      port,
      url: url(port, access),
      data: join(folder, names[place]!),
      log: join(logs, `postgres-${names[place]}.log`),
      binaries,
      user,
      superuserPassword: passwords.superuser,
      fsync,
      settings,
      upstream: () => (place === leader ? undefined : { port: ports[leader]!, password: passwords.replicator }),
      primary: () => (place === leader ? undefined : members[leader]),
      say,
      spawned,
    }),
  );
  const replicas = () => members.filter((_, place) => place !== leader);
  const primary = () => members[leader]!;

  if (!existsSync(primary().data)) {
    say('making a new database cluster');
    await initialise({ data: primary().data, binaries, user, superuserPassword: passwords.superuser, fsync });
  }
  const owner = user?.uid ?? process.getuid?.();
  if (statSync(primary().data).uid !== owner) {
    throw new Error(
      `the data in ${folder} belong to another user than the one that Postgres would run as (id ${owner}). Mend it: start as the user that started before, or remove that folder with all its data`,
    );
  }
  // The primary does not run yet, so its folder is a faithful copy as it is.
  const missing = replicas().filter(({ data }) => !existsSync(data));
  await Promise.all(missing.map(({ data }) => copyData({ from: primary().data, to: data, user })));

  const stop = async () => {
    await Promise.all(replicas().map((replica) => replica.stop()));
    await primary().stop();
  };
  try {
    await primary().start();
    await ensureReplicator(primary().url, passwords.replicator);
    await Promise.all(replicas().map((replica) => replica.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    get primary() {
      return primary();
    },
    get replicas() {
      return replicas();
    },
    primaryUrl: (as = access) => url(ports[leader]!, as),
    replicaUrls: (as = access) => ports.filter((_, place) => place !== leader).map((port) => url(port, as)),
    promote: async (replica) => {
      if (primary().pid !== undefined) throw new Error(`postgres ${primary().name} still runs as the primary`);
      const before = leader;
      leader = members.indexOf(replica);
      try {
        await replica.promote();
      } catch (error) {
        leader = before;
        throw error;
      }
      await Promise.all(replicas().flatMap((other) => (other.pid === undefined ? [] : [other.follow()])));
    },
    stop,
  };
}

async function ensureReplicator(superuserUrl: string, password: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    // No replica is there yet that a commit could wait for.
    await client.query('set synchronous_commit = local');
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
