import { existsSync, readFileSync, statSync } from 'node:fs';
import pg from 'pg';
import type { Part } from './part.ts';
import { slotName } from './postgres-config.ts';
import { copyData } from './postgres-data.ts';
import { createPostgresNode, type PostgresNodeOptions } from './postgres-node.ts';
import { until } from './until.ts';

// What a standby says when it can never follow this primary again.
const LOST =
  /requested WAL segment \S+ has already been removed|can no longer access replication slot|has been invalidated|highest timeline \d+ of the primary is behind|requested timeline \d+ is not a child|database system identifier differs|requested starting point \S+ is ahead of the WAL flush position/;

/**
 * A replica of a running primary as a part, which is ready when it streams. One that can not follow any more, because
 * its WAL is gone, its history differs or its data is damaged, is seeded again from the primary.
 */
export function createPostgresReplica(
  options: PostgresNodeOptions & { primaryUrl: string; primaryData: string; say: (line: string) => void },
): Part {
  const { name, data, log, user, primaryUrl, primaryData, say } = options;
  const node = createPostgresNode(options);
  const slot = slotName(name);

  async function seedAgain(why: string): Promise<void> {
    say(`postgres ${name} can not follow (${why}): it is seeded again from the primary`);
    await node.stop();
    await withClient(primaryUrl, async (client) => {
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
      await copyData({ from: primaryData, to: data, user, running: { label } });
    });
  }

  /** Waits until it streams; the reason why it never will, or undefined. */
  async function follow(from: number): Promise<string | undefined> {
    return withClient(primaryUrl, async (client) => {
      const outcome = await until(
        async () => {
          const lost = LOST.exec(readFileSync(log).subarray(from).toString('utf8'))?.[0];
          if (lost) return { lost };
          const { rowCount } = await client.query(
            "select from pg_stat_replication where application_name = $1 and state = 'streaming'",
            [slot],
          );
          return rowCount === 1 && { lost: undefined };
        },
        { what: `postgres ${name} to stream from the primary`, within: 60_000, every: 40 },
      );
      return outcome.lost;
    });
  }

  async function start(): Promise<void> {
    if (node.pid !== undefined) return;
    await withClient(primaryUrl, (client) => ensureSlot(client, slot));
    for (let seeded = false; ; seeded = true) {
      const from = existsSync(log) ? statSync(log).size : 0;
      const why = await node.start().then(
        () => follow(from),
        (error: Error) => {
          // A standby that is lost before it is consistent never answers; one whose data is damaged ends.
          const lost = LOST.exec(error.message)?.[0] ?? /PANIC.*|FATAL.*/.exec(error.message)?.[0];
          if (!lost) throw error;
          return lost;
        },
      );
      if (why === undefined) return;
      if (seeded) throw new Error(`postgres ${name} can not follow the primary: ${why}`);
      await seedAgain(why);
    }
  }

  return {
    ...node,
    get pid() {
      return node.pid;
    },
    start,
    restart: async () => {
      await node.stop();
      await start();
    },
  };
}

async function ensureSlot(client: pg.Client, slot: string): Promise<void> {
  await client.query(
    `select pg_create_physical_replication_slot($1, immediately_reserve => true)
     where not exists (select from pg_replication_slots where slot_name = $1)`,
    [slot],
  );
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
