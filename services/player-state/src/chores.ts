import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import { trimOutbox } from './repository/outbox.ts';
import { trimSessions } from './repository/sessions.ts';
import { ensureLedgerPartitions, trimRequests } from './repository/transactions.ts';

const EVERY_MS = 60 * 60 * 1_000;
/** After a failure, so that a primary that was away at the start does not leave a chore undone for long. */
const AGAIN_MS = 60 * 1_000;
/** Rows a statement, so that no write transaction of it is long. */
const CHUNK = 5_000;

/**
 * Does at once, and then each hour, what the data need: the ledger's partitions made ahead, old answers and events
 * deleted in chunks. Every replica of the service may do it at any time. `stop` resolves when the running one is over.
 */
export function startChores({
  postgres,
  requestRetentionDays,
  outboxRetentionDays,
  sessionRetentionDays,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'write'>;
  requestRetentionDays: number;
  outboxRetentionDays: number;
  sessionRetentionDays: number;
  logger: Pick<Logger, 'info' | 'warn'>;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const write = <T>(work: (primary: Reader) => Promise<T>) => postgres.write(work, { idempotent: true });

  async function trim(what: string, once: (primary: Reader) => Promise<number>): Promise<void> {
    let total = 0;
    for (let deleted = CHUNK; deleted === CHUNK && !signal.aborted; total += deleted) deleted = await write(once);
    if (total > 0) logger.info({ what, rows: total }, 'trimmed');
  }

  async function once(): Promise<boolean> {
    try {
      const made = await write(ensureLedgerPartitions);
      if (made > 0) logger.info({ tables: made }, 'made partitions of the ledger ahead');
      await trim('outbox', (primary) => trimOutbox(primary, outboxRetentionDays, CHUNK));
      await trim('transaction_requests', (primary) => trimRequests(primary, requestRetentionDays, CHUNK));
      await trim('sessions', (primary) => trimSessions(primary, sessionRetentionDays, CHUNK));
      return true;
    } catch (err) {
      if (!signal.aborted) logger.warn({ err }, 'the database’s chores are put off');
      return false;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const done = await once();
      await delay(done ? EVERY_MS : AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
