import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';

const LOOK_EVERY_MS = 1_000;

/** How old the news of player-state is. */
export type FollowedAge = {
  /** Milliseconds since player-state was as it is known here, by its clock and ours; undefined: it never was. */
  ms(): number | undefined;
  stop(): Promise<void>;
};

/**
 * Looks each second, on the node that would be read, up to when player-state was followed, whichever process follows: an
 * answer costs no query for it. The age grows while player-state, the follower or the database is away. Resolves after the
 * first look.
 */
export async function startFollowedAge({
  postgres,
  find,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  /** The source's clock at the last step that was applied; null: none was. */
  find: (node: Reader) => Promise<Date | null>;
  logger: Pick<Logger, 'warn'>;
}): Promise<FollowedAge> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let latest: number | undefined;

  async function look(): Promise<void> {
    try {
      const asOf = await postgres.read(find);
      // Another replica may be behind the one that was read before: what was known stays known.
      if (asOf) latest = Math.max(latest ?? 0, asOf.getTime());
    } catch (err) {
      if (!signal.aborted) logger.warn({ err }, 'how old the news of player-state is can not be read: it counts on');
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await delay(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await look();
    }
  }

  await look();
  const running = run();
  return {
    ms: () => (latest === undefined ? undefined : Math.max(0, Date.now() - latest)),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
