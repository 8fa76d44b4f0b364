import { readFileSync } from 'node:fs';
import pg from 'pg';
import { copyData } from './postgres-data.ts';
import type { PostgresUser } from './postgres-user.ts';
import { until } from './until.ts';

/** The server that replicas follow: its superuser's URL, and its data folder. */
export type Upstream = { url: string; data: string };

// What a standby says when it can never follow this primary again.
const LOST =
  /requested WAL segment \S+ has already been removed|can no longer access replication slot|has been invalidated|highest timeline \d+ of the primary is behind|requested timeline \d+ is not a child|new timeline \d+ forked off current database system timeline \d+ before|database system identifier differs|requested starting point \S+ is ahead of the WAL flush position/;

/** Why a standby with these words in its log can not follow any more; undefined when nothing says so. */
export function lostReason(log: string): string | undefined {
  return LOST.exec(log)?.[0];
}

/** Makes the slot that keeps WAL for a replica, unless it is there. */
export async function ensureSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(
    `select pg_create_physical_replication_slot($1, immediately_reserve => true)
     where not exists (select from pg_replication_slots where slot_name = $1)`,
    [slot],
  );
}

/** Waits until the replica streams; the reason why it never will, or undefined. `log` is read from the byte `from` on. */
export async function untilStreaming(options: {
  upstream: Upstream;
  slot: string;
  log: string;
  from: number;
}): Promise<string | undefined> {
  const { upstream, slot, log, from } = options;
  return withClient(upstream.url, async (client) => {
    const outcome = await until(
      async () => {
        const lost = lostReason(readFileSync(log).subarray(from).toString('utf8'));
        if (lost) return { lost };
        const { rowCount } = await client.query(
          "select from pg_stat_replication where application_name = $1 and state = 'streaming'",
          [slot],
        );
        return rowCount === 1 && { lost: undefined };
      },
      { what: `the replica ${slot} to stream from the primary`, within: 60_000, every: 40 },
    );
    return outcome.lost;
  });
}

/** Replaces the data of a replica that does not run by a copy of the running upstream, and its slot by a new one. */
export async function seed(options: {
  upstream: Upstream;
  slot: string;
  data: string;
  user: PostgresUser | undefined;
}): Promise<void> {
  const { upstream, slot, data, user } = options;
  await withClient(upstream.url, async (client) => {
    await client.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active',
      [slot],
    );
    await ensureSlot(client, slot);
    await client.query("select pg_backup_start('seed', fast => true)");
    const label = async () => {
      const { rows } = await client.query<{ labelfile: string }>(
        'select labelfile from pg_backup_stop(wait_for_archive => false)',
      );
      return rows[0]!.labelfile;
    };
    await copyData({ from: upstream.data, to: data, user, running: { label } });
  });
}

/** Runs `work` with a connection of its own, which is closed afterwards. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
