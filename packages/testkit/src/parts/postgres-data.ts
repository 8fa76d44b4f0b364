import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, lchown, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { giveTo, type PostgresUser } from './postgres-user.ts';

/** Makes a new database cluster in `data`, whole or not at all. No locale of the operating system is needed. */
export async function initialise(options: {
  data: string;
  binaries: PostgresBinaries;
  user: PostgresUser | undefined;
  superuserPassword: string;
  fsync: boolean;
}): Promise<void> {
  const { data, binaries, user, superuserPassword, fsync } = options;
  const unfinished = `${data}.new`;
  const passwordFile = `${data}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  giveTo(user, unfinished);
  writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
  giveTo(user, passwordFile);
  const args = ['-D', unfinished, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  args.push('--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C');
  if (!fsync) args.push('--no-sync');
  try {
    const child = spawn(binaries.initdb, args, {
      cwd: unfinished,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...user,
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const [status, signal] = await once(child, 'close');
    if (status !== 0) throw new Error(`initdb failed (${signal ?? `status ${status}`}): ${complaint.trim()}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, data);
}

// What belongs to the one server that wrote it: a copy makes these anew.
const OF_ONE_SERVER = ['postmaster.pid', 'postmaster.opts', 'standby.signal', 'postgresql.auto.conf.tmp'];
const CONTENT_OF_ONE_SERVER = [
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
];

/**
 * Copies the data folder of a primary to `to`, whole or not at all. `running`: the server runs and is in backup mode, so
 * files may vanish meanwhile and its WAL is not copied; `label` is then what pg_backup_stop gave, read after the copy.
 */
export async function copyData(options: {
  from: string;
  to: string;
  user: PostgresUser | undefined;
  running?: { label: () => Promise<string> };
}): Promise<void> {
  const { from, to, user, running } = options;
  const unfinished = `${to}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  const emptied = new Set(running ? [...CONTENT_OF_ONE_SERVER, 'pg_wal'] : CONTENT_OF_ONE_SERVER);
  await copyTree(from, unfinished, {
    user,
    leaveOut: (path) => OF_ONE_SERVER.includes(path) || emptied.has(dirname(path)),
  });
  if (running) {
    const label = join(unfinished, 'backup_label');
    writeFileSync(label, await running.label(), { mode: 0o600 });
    giveTo(user, label);
    for (const folder of ['archive_status', 'summaries']) {
      mkdirSync(join(unfinished, 'pg_wal', folder), { mode: 0o700 });
      giveTo(user, join(unfinished, 'pg_wal', folder));
    }
  }
  rmSync(to, { recursive: true, force: true });
  renameSync(unfinished, to);
}

async function copyTree(
  from: string,
  to: string,
  { user, leaveOut }: { user: PostgresUser | undefined; leaveOut: (path: string) => boolean },
): Promise<void> {
  const copy = async (path: string): Promise<void> => {
    const [source, target] = [join(from, path), join(to, path)];
    const found = await lstat(source);
    if (found.isDirectory()) {
      await mkdir(target, { recursive: true, mode: 0o700 });
      const inside = (await readdir(source)).map((name) => join(path, name)).filter((name) => !leaveOut(name));
      // Side by side: a thousand small files one by one take long in a process that is busy.
      await Promise.all(inside.map((name) => copy(name).catch(ignoreVanished)));
    } else if (found.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else if (found.isFile()) {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      await chmod(target, 0o600);
    }
    if (user) await lchown(target, user.uid, user.gid);
  };
  await copy('');
}

function ignoreVanished(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
