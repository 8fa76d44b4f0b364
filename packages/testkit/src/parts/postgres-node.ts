import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startChild } from './child.ts';
import { createPart, type Part } from './part.ts';
import { PG_HBA, type PostgresNodeOptions, postgresConf } from './postgres-config.ts';
import { giveTo } from './postgres-user.ts';
import { commandLine, startedAt } from './process-identity.ts';
import { until } from './until.ts';

/** One Postgres server as a part. It is ready when it answers a query. */
export function createPostgresNode(options: PostgresNodeOptions): Part {
  const { name, port, data, log, binaries, user, superuserPassword, spawned } = options;
  return createPart({
    name: `postgres ${name}`,
    launch: async (signal) => {
      await endStalePostmaster(data);
      writeConfiguration(options);
      return startChild({
        name: `postgres ${name}`,
        command: binaries.postgres,
        args: ['-D', data],
        cwd: data,
        env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
        user,
        log,
        ready: () => answers(port, superuserPassword),
        // Recovery after a crash replays up to max_wal_size of WAL first.
        readyWithin: 120_000,
        // The fast shutdown: sessions are ended, a checkpoint is written, replicas get everything.
        stopSignal: 'SIGINT',
        stopWithin: 60_000,
        spawned,
        signal,
      });
    },
  });
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    database: 'postgres',
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Writes all that a server reads when it starts or is told to read it again. */
export function writeConfiguration(options: PostgresNodeOptions): void {
  const { data, user, upstream } = options;
  const files = { 'postgresql.conf': postgresConf(options), 'pg_hba.conf': PG_HBA, 'pg_ident.conf': '' };
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(data, file), text, { mode: 0o600 });
    chmodSync(join(data, file), 0o600);
    giveTo(user, join(data, file));
  }
  const standby = join(data, 'standby.signal');
  if (!upstream()) rmSync(standby, { force: true });
  else {
    writeFileSync(standby, '');
    giveTo(user, standby);
  }
}

/**
 * A postmaster.pid names a server that a killed launcher left behind, or a process that got the same id later.
 * The first is shut down; in both cases the file goes, which would keep the new server from starting.
 */
async function endStalePostmaster(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const start = startedAt(pid);
  if (start !== undefined && commandLine(pid)?.includes(data)) {
    process.kill(pid, 'SIGINT');
    await until(() => startedAt(pid) !== start, {
      what: `the server of ${data} (process ${pid}) to end`,
      within: 60_000,
    });
  }
  rmSync(file, { force: true });
}
