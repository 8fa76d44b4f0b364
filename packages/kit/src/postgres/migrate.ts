import { setTimeout as delay } from 'node:timers/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import type { Logger } from 'pino';
import { sqlState } from './errors.ts';
import { checkOrder, KIT_MIGRATIONS, MIGRATIONS_TABLE, migrationNames, requiredMigrations } from './migration-files.ts';

// The rule of rights: the database's owner migrates. The service runs as a role of its own, named like the database,
// that can change rows and call functions and nothing else; each migration says what it may by runtime_may().

/**
 * Applies the migrations that the database lacks: kit's own, then the plain SQL files NNNN_name.sql of the folder, in the
 * order of their numbers, forward only, one transaction each. Waits while another process migrates the same database.
 * `url` connects as the owner. Answers the names it applied; throws at the first that fails, with those before it kept.
 */
export async function migrate({ url, folder }: { url: string; folder: string }): Promise<{ applied: string[] }> {
  const names = await requiredMigrations(folder);
  const client = new pg.Client({ connectionString: url, application_name: 'migrations', keepAlive: true });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // The role's own bounds are for requests, not for the making of an index.
    await client.query(
      'set statement_timeout = 0; set transaction_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0',
    );
    // Locks of a session count: the runner takes and gives back the same one within this.
    await client.query('select pg_advisory_lock($1::bigint)', [PG_MIGRATE_LOCK_ID]);
    const had = new Set(await appliedMigrations(client));
    if (names.every((name) => had.has(name))) return { applied: [] };
    const applied: string[] = [];
    for (const place of [KIT_MIGRATIONS, folder]) {
      checkOrder(await migrationNames(place), had);
      applied.push(...(await applyFolder(client, place)));
    }
    return { applied };
  } finally {
    // Ends the session, which frees the lock and rolls back what failed.
    await client.end();
  }
}

/** The name of the migration that was applied last; undefined in an empty database. */
export async function schemaVersion({ url }: { url: string }): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await appliedMigrations(client)).at(-1);
  } finally {
    await client.end();
  }
}

export type SchemaWait = {
  logger?: Pick<Logger, 'info'>;
  signal?: AbortSignal;
  /** Milliseconds between two looks; default 500. */
  every?: number;
};

/**
 * Waits until the database has every migration of kit and of the folder; more than those is fine. Says what is missing
 * when it waits, once for each change. Throws what the pool throws, and the signal's reason.
 */
export async function waitForSchema(pool: pg.Pool, folder: string, wait: SchemaWait = {}): Promise<void> {
  const { logger, signal, every = 500 } = wait;
  const names = await requiredMigrations(folder);
  let said = '';
  for (;;) {
    signal?.throwIfAborted();
    const had = new Set(await appliedMigrations(pool));
    const missing = names.filter((name) => !had.has(name));
    if (missing.length === 0) return;
    if (said !== missing.join()) {
      said = missing.join();
      logger?.info({ missing }, 'waiting for the database to be migrated');
    }
    await delay(every, undefined, { signal });
  }
}

async function applyFolder(client: pg.Client, folder: string): Promise<string[]> {
  // The first complaint shows the fault with its place; the runner goes on to complain about the broken transaction.
  let complaint: string | undefined;
  try {
    const runs = await runner({
      dbClient: client,
      dir: folder,
      // Only SQL files, and no check across folders: both are ours.
      ignorePattern: '(?!.*\\.sql$).*',
      checkOrder: false,
      migrationsTable: MIGRATIONS_TABLE,
      direction: 'up',
      singleTransaction: false,
      advisoryLockMode: 'wait',
      logger: {
        info: () => undefined,
        warn: () => undefined,
        error: (text: string) => {
          complaint ??= text.trim();
        },
      },
    });
    return runs.map(({ name }) => name);
  } catch (cause) {
    throw new Error(`a migration of ${folder} failed: ${complaint ?? (cause as Error).message}`, { cause });
  }
}

async function appliedMigrations(database: Pick<pg.ClientBase, 'query'> | Pick<pg.Pool, 'query'>): Promise<string[]> {
  try {
    const { rows } = await database.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE} order by id`);
    return rows.map(({ name }) => name);
  } catch (error) {
    // The table is not there, or not yet the role's right to read it, which the first migration gives.
    if (sqlState(error) === '42P01' || sqlState(error) === '42501') return [];
    throw error;
  }
}
