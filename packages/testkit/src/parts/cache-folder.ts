import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder for what is installed once for all checkouts: the user's cache, or this checkout's state folder. */
export function cacheFolder(): string {
  const candidates = [
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'realmkeep'),
    fileURLToPath(new URL('../../../../.realmkeep/cache', import.meta.url)),
  ];
  for (const folder of candidates) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // The next candidate.
    }
  }
  throw new Error(`no folder to install into: ${candidates.join(' and ')} are not writable`);
}
