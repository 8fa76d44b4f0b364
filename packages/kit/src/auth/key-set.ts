import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { JWKSNoMatchingKey } from 'jose/errors';
import type { Logger } from '../log/logger.ts';
import { readPublicKeys } from './key-format.ts';

const LOOK_EVERY_MS = 5_000;
const COOLDOWN_MS = 1_000;

/** The public keys of one file. */
export type KeySet = { readonly get: JWTVerifyGetKey; close(): void };

/**
 * Reads a JWK set or PEM, and reads it again when the file changes (looked at every five seconds) or a token names a key that
 * is not in it (at most once a second). A file that has become unreadable is logged; the keys from before stay.
 *
 * @param onChange called when the keys may be others than before
 * @throws when the file can not be read at first
 */
export function openKeySet({ file, logger, onChange }: { file: string; logger: Logger; onChange: () => void }): KeySet {
  const read = () => createLocalJWKSet(readPublicKeys(readFileSync(file, 'utf8')));
  let keys = read();
  let readAt = Date.now();

  function readAgain(): void {
    readAt = Date.now();
    try {
      keys = read();
      onChange();
    } catch (err) {
      logger.error({ err, file }, 'the keys could not be read again; those from before stay');
    }
  }
  // Polling follows replaced files and swapped links, which is how secrets are rotated.
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, readAgain);

  return {
    async get(header, token) {
      try {
        return await keys(header, token);
      } catch (fault) {
        if (!(fault instanceof JWKSNoMatchingKey) || Date.now() - readAt < COOLDOWN_MS) throw fault;
        readAgain();
        return await keys(header, token);
      }
    },
    close() {
      unwatchFile(file, readAgain);
    },
  };
}
