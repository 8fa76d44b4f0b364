import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { onPath } from './on-path.ts';

/** The user that Postgres runs as when this process is root, because Postgres refuses to run as root. */
export type PostgresUser = { uid: number; gid: number };

const NAMES = ['postgres', 'realmkeep'];

/** An ordinary user for Postgres; undefined when this process is not root, so that it runs as the same user. */
export function postgresUser(): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = NAMES.map(lookUp).find((user) => user !== undefined);
  if (known) return known;
  const create = onPath('useradd')
    ? spawnSync('useradd', ['--system', '--no-create-home', '--user-group', 'realmkeep'], { encoding: 'utf8' })
    : spawnSync('adduser', ['-S', '-D', '-H', 'realmkeep'], { encoding: 'utf8' });
  const created = lookUp('realmkeep');
  if (created) return created;
  throw new Error(
    `Postgres refuses to run as root, and no user could be made for it: ${create.error?.message ?? create.stderr.trim()}. Mend it: "useradd --system postgres", or start as an ordinary user`,
  );
}

/** Gives a file or folder to the user that Postgres runs as. */
export function giveTo(user: PostgresUser | undefined, path: string): void {
  if (user) chownSync(path, user.uid, user.gid);
}

function lookUp(name: string): PostgresUser | undefined {
  const id = (what: string) => spawnSync('id', [what, name], { encoding: 'utf8' });
  const [uid, gid] = [id('-u'), id('-g')];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
