import type { PostgresCluster } from './postgres.ts';
import { withClient } from './postgres-replica.ts';
import { until } from './until.ts';

export type Role = { name: string; password: string };

export type DatabaseOptions = {
  cluster: Pick<PostgresCluster, 'primaryUrl'>;
  database: string;
  /** Owns the database and everything that migrations make in it. */
  owner: Role;
  /** What the service runs as: reads and writes rows, calls functions, changes no structure. */
  runtime: Role;
};

/**
 * Makes a database with its two roles, or brings an existing one up to this definition. The runtime role gets its
 * rights on whatever the owner makes later by default privileges, so migrations need not know its name.
 */
export async function ensureDatabase({ cluster, database, owner, runtime }: DatabaseOptions): Promise<void> {
  const superuser = new URL(cluster.primaryUrl());
  await withClient(superuser.href, async (client) => {
    for (const role of [owner, runtime]) {
      const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role.name]);
      const verb = rowCount === 0 ? 'create' : 'alter';
      await client.query(
        `${verb} role ${client.escapeIdentifier(role.name)} login password ${client.escapeLiteral(role.password)}`,
      );
    }
    const [name, own, run] = [database, owner.name, runtime.name].map(client.escapeIdentifier);
    // Followers of the outbox wait for the oldest write transaction of the whole cluster: none may stay open.
    await client.query(`alter role ${run} set transaction_timeout = '15s'`);
    await client.query(`alter role ${run} set idle_in_transaction_session_timeout = '5s'`);
    await client.query(`alter role ${own} set transaction_timeout = '10min'`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${name} owner ${own}`);
    await client.query(`revoke all on database ${name} from public`);
    await client.query(`grant connect on database ${name} to ${run}`);
  });
  superuser.pathname = `/${encodeURIComponent(database)}`;
  await withClient(superuser.href, async (client) => {
    const [own, run] = [owner.name, runtime.name].map(client.escapeIdentifier);
    const toRuntime = [
      'select, insert, update, delete on tables',
      'usage, select on sequences',
      'execute on functions',
      'usage on types',
      'usage on schemas',
    ];
    for (const rights of toRuntime) {
      await client.query(`alter default privileges for role ${own} grant ${rights} to ${run}`);
    }
    await client.query(`alter schema public owner to ${own}`);
    await client.query(`grant usage on schema public to ${run}`);
  });
}

/** Waits until every replica has replayed what the primary has written by now; `within` milliseconds, default 20 s. */
export async function untilReplicated(
  primaryUrl: string,
  replicaUrls: string[],
  { within = 20_000 } = {},
): Promise<void> {
  const lsn = await withClient(primaryUrl, async (client) => {
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
    return rows[0]!.lsn;
  });
  const replayed = (url: string) =>
    withClient(url, (client) =>
      until(
        async () => {
          const { rows } = await client.query<{ done: boolean }>(
            'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done',
            [lsn],
          );
          return rows[0]!.done;
        },
        { what: `a replica to replay ${lsn}`, within, every: 10 },
      ),
    );
  await Promise.all(replicaUrls.map(replayed));
}
