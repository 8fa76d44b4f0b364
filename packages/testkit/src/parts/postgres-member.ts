import { existsSync, statSync } from 'node:fs';
import type { Part } from './part.ts';
import type { PostgresNodeOptions } from './postgres-config.ts';
import { slotName } from './postgres-config.ts';
import { createPostgresNode, writeConfiguration } from './postgres-node.ts';
import { ensureSlot, lostReason, seed, type Upstream, untilStreaming, withClient } from './postgres-replica.ts';
import { until } from './until.ts';

/** A node of a cluster as a part: the primary, which is ready when it answers, or a replica, which is when it streams. */
export type PostgresMember = Part & {
  /** The superuser's URL, in the database `postgres`. */
  readonly url: string;
  readonly data: string;
  /** Turns a running replica into a primary. Resolves once it takes writes. */
  promote(): Promise<void>;
  /** Makes a running replica follow the primary of now, without a restart where its history allows that. */
  follow(): Promise<void>;
};

/**
 * One node. A replica that can not follow any more, because its WAL is gone, its history differs or its data is damaged,
 * is seeded again from the primary.
 *
 * @param options.primary whom it follows at the moment it is asked; undefined while it is the primary itself
 */
export function createPostgresMember(
  options: PostgresNodeOptions & { url: string; primary: () => Upstream | undefined; say: (line: string) => void },
): PostgresMember {
  const { name, url, data, log, user, primary, say } = options;
  const node = createPostgresNode(options);
  const slot = slotName(name);
  const logged = () => (existsSync(log) ? statSync(log).size : 0);

  async function seedAgain(upstream: Upstream, why: string): Promise<void> {
    say(`postgres ${name} can not follow (${why}): it is seeded again from the primary`);
    await node.stop();
    await seed({ upstream, slot, data, user });
  }

  async function startReplica(upstream: Upstream): Promise<void> {
    await withClient(upstream.url, (client) => ensureSlot(client, slot));
    for (let seeded = false; ; seeded = true) {
      const from = logged();
      const why = await node.start().then(
        () => untilStreaming({ upstream, slot, log, from }),
        (error: Error) => {
          // A standby that is lost before it is consistent never answers; one whose data is damaged ends.
          const lost = lostReason(error.message) ?? /PANIC.*|FATAL.*/.exec(error.message)?.[0];
          if (!lost) throw error;
          return lost;
        },
      );
      if (why === undefined) return;
      if (seeded) throw new Error(`postgres ${name} can not follow the primary: ${why}`);
      await seedAgain(upstream, why);
    }
  }

  async function start(): Promise<void> {
    if (node.pid !== undefined) return;
    const upstream = primary();
    await (upstream ? startReplica(upstream) : node.start());
  }

  return {
    ...node,
    get pid() {
      return node.pid;
    },
    url,
    data,
    start,
    restart: async () => {
      await node.stop();
      await start();
    },
    promote: () =>
      withClient(url, async (client) => {
        await client.query('select pg_promote(wait => false)');
        const promoted = async () => {
          const { rows } = await client.query<{ replica: boolean }>('select pg_is_in_recovery() as replica');
          return rows[0]?.replica === false;
        };
        await until(promoted, { what: `postgres ${name} to take writes`, within: 60_000, every: 10 });
      }),
    follow: async () => {
      const upstream = primary();
      if (!upstream) throw new Error(`postgres ${name} is the primary and follows nobody`);
      await withClient(upstream.url, (client) => ensureSlot(client, slot));
      const from = logged();
      writeConfiguration(options);
      await withClient(url, (client) => client.query('select pg_reload_conf()'));
      const why = await untilStreaming({ upstream, slot, log, from });
      if (why === undefined) return;
      await seedAgain(upstream, why);
      await startReplica(upstream);
    },
  };
}
