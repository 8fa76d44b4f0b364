import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PostgresUser } from './postgres-user.ts';

const CHECKOUT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Whether that user can enter the folder; undefined is this process's own user. */
export function canEnter(user: PostgresUser | undefined, folder: string): boolean {
  if (!user) return true;
  // Asked of the system as that user: mode bits alone do not know of parents, groups and access lists.
  return spawnSync('test', ['-x', folder], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;
}

/** A folder of this checkout that every user can enter, made when missing: /var/tmp/realmkeep-<hash of its path>. */
export function ownFolder(): string {
  const folder = `/var/tmp/realmkeep-${createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 12)}`;
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${folder} is not this user's folder. Mend it: remove it`);
  }
  chmodSync(folder, 0o711);
  return folder;
}

/**
 * Where the data of a state folder goes: into the state folder itself, or, when `user` can not enter that, next to it in
 * `ownFolder()`. A mark in both keeps them together: data of a state folder that was removed is removed as well.
 */
export function dataFolder({
  state,
  user,
  say,
}: {
  state: string;
  user: PostgresUser | undefined;
  say: (line: string) => void;
}): string {
  mkdirSync(state, { recursive: true });
  if (user) chmodSync(state, 0o711);
  if (canEnter(user, state)) return state;
  const folder = join(ownFolder(), 'data');
  const mark = readMark(state) ?? crypto.randomUUID();
  if (existsSync(folder) && readMark(folder) !== mark) {
    say(`removing ${folder}: it belongs to a state folder that is gone`);
    rmSync(folder, { recursive: true });
  }
  if (!existsSync(folder)) say(`the postgres user can not enter ${state}: its data is kept in ${folder}`);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const place of [state, folder]) writeFileSync(join(place, MARK), mark);
  return folder;
}

const MARK = 'data-mark';

function readMark(folder: string): string | undefined {
  const file = join(folder, MARK);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
