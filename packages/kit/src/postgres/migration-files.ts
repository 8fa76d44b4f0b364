import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the migrations that come first in every service's database. */
export const KIT_MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** The table that names the migrations which a database has. */
export const MIGRATIONS_TABLE = 'schema_migrations';

const FILE = /^\d{4}_[a-z0-9_]+\.sql$/;

/** The names of a folder's migrations ("0001_players") in their order. Any other SQL file there is a fault. */
export async function migrationNames(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const odd = files.find((file) => !FILE.test(file));
  if (odd) throw new Error(`${odd} in ${folder} is not named like 0001_players.sql`);
  const twice = files.find((file, index) => index > 0 && file.slice(0, 4) === files[index - 1]?.slice(0, 4));
  if (twice) throw new Error(`two migrations in ${folder} have the number of ${twice}`);
  return files.map((file) => file.slice(0, -'.sql'.length));
}

/** Every migration that a service's database needs: kit's, then those of the folder. No name may be in both. */
export async function requiredMigrations(folder: string): Promise<string[]> {
  const [kit, own] = await Promise.all([migrationNames(KIT_MIGRATIONS), migrationNames(folder)]);
  const both = own.find((name) => kit.includes(name));
  if (both) throw new Error(`the migration ${both} of ${folder} has the name of one of kit's`);
  return [...kit, ...own];
}

/** Refuses a folder in which a migration stands before one that the database already has. */
export function checkOrder(names: string[], applied: ReadonlySet<string>): void {
  const gap = names.findIndex((name) => !applied.has(name));
  const later = gap < 0 ? undefined : names.slice(gap).find((name) => applied.has(name));
  if (later) throw new Error(`the migration ${names[gap]} is new, but stands before ${later}, which was applied`);
}
