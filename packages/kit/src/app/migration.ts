import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createLogger, type Logger } from '../log/logger.ts';
import { isConnectionLost, isReadOnlyNode, sqlState } from '../postgres/errors.ts';
import { migrate } from '../postgres/migrate.ts';
import { ConfigError, commonSettings, count, readConfig } from './config.ts';
import { postgresUrl } from './settings.ts';

const settings = {
  POSTGRES_OWNER_URL: postgresUrl({
    desc: 'The primary of the database, with the role that owns it and its password',
    example: 'postgres://owner:password@db:5432/name',
  }),
  POSTGRES_WAIT_SECONDS: count({
    default: 300,
    desc: 'How long the database may take until it can be reached, and its runtime role is there',
    example: '300',
  }),
  LOG_LEVEL: commonSettings.LOG_LEVEL,
};

/** Milliseconds between two attempts to reach the database. */
const AGAIN_AFTER = 1_000;

/**
 * Runs a service's migrations as this process, with POSTGRES_OWNER_URL: waits until the database can be reached and its
 * runtime role is there, POSTGRES_WAIT_SECONDS at most, applies what it lacks and logs what it applied. A schema that is
 * newer than the folder is left as it is. Exits with 0, or with 1 after printing the fault.
 *
 * @param folder the service's SQL files
 */
export async function runMigrations(name: string, folder: string): Promise<void> {
  try {
    const config = readConfig(settings);
    const logger = createLogger({ name: `${name} migrations`, level: config.LOG_LEVEL });
    const url = config.POSTGRES_OWNER_URL;
    const work = async () => {
      await expectRuntimeRole(url);
      return migrate({ url, folder });
    };
    const { applied } = await patiently(work, config.POSTGRES_WAIT_SECONDS * 1_000, logger);
    logger.info({ applied }, applied.length > 0 ? 'the schema is migrated' : 'the schema lacks nothing');
  } catch (fault) {
    process.stderr.write(`${fault instanceof ConfigError ? fault.message : String(fault)}\n`);
    process.exitCode = 1;
  }
}

/** The runtime role is not there yet. */
class NoRuntimeRoleError extends Error {
  override readonly name = 'NoRuntimeRoleError';
}

/** Throws when the database lacks its runtime role: a migration would grant it nothing, and never be run again. */
async function expectRuntimeRole(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'migrations' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ database: string; there: boolean }>(
      `select current_database() as database, to_regrole(quote_ident(current_database())) is not null as there`,
    );
    const { database, there } = rows[0]!;
    if (!there) throw new NoRuntimeRoleError(`there is no role ${database} to run the service as`);
  } finally {
    await client.end();
  }
}

/** Does the work again while the database can not be reached, for `forMs` at most. */
async function patiently<T>(work: () => Promise<T>, forMs: number, logger: Pick<Logger, 'info'>): Promise<T> {
  const deadline = performance.now() + forMs;
  for (let told = ''; ; ) {
    try {
      return await work();
    } catch (fault) {
      if (!isAway(fault) || performance.now() >= deadline) throw fault;
      if (told !== String(fault)) logger.info({ reason: String(fault) }, 'waiting for the database');
      told = String(fault);
      await delay(AGAIN_AFTER);
    }
  }
}

// The role, its password or the database may be made at this very moment.
const NOT_YET = new Set(['28P01', '28000', '3D000']);

/** Whether the database can not be reached, or not as the one that is migrated: what is done again then is done once. */
function isAway(fault: unknown): boolean {
  if (fault instanceof NoRuntimeRoleError) return true;
  return isConnectionLost(fault) || isReadOnlyNode(fault) || NOT_YET.has(sqlState(fault) ?? '');
}
