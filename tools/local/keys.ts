import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeys, signToken, type TokenClaims } from '@realmkeep/testkit/tokens';
import type { JWK } from 'jose';
import { writePrivate } from './state.ts';

/** The files of a realm's two key pairs: the callers', and the services' own. */
export type KeyFiles = Record<'callersKey' | 'jwks' | 'internalKey' | 'internalJwks', string>;

/** Where a realm's keys lie. */
export function keyFiles(stateFolder: string): KeyFiles {
  const folder = join(stateFolder, 'keys');
  return {
    callersKey: join(folder, 'callers.jwk.json'),
    jwks: join(folder, 'jwks.json'),
    internalKey: join(folder, 'internal.jwk.json'),
    internalJwks: join(folder, 'internal.jwks.json'),
  };
}

/** Makes the keys that are missing, so that tokens stay good from start to start. */
export async function ensureKeys(stateFolder: string): Promise<KeyFiles> {
  const files = keyFiles(stateFolder);
  mkdirSync(join(stateFolder, 'keys'), { recursive: true });
  for (const [kid, privateFile, publicFile] of [
    ['callers', files.callersKey, files.jwks],
    ['internal', files.internalKey, files.internalJwks],
  ] as const) {
    if (existsSync(privateFile) && existsSync(publicFile)) continue;
    const { privateKey, jwks } = await createKeys(kid);
    writeFileSync(publicFile, JSON.stringify(jwks, undefined, 2));
    writePrivate(privateFile, JSON.stringify(privateKey, undefined, 2));
  }
  return files;
}

/** Signs a caller's token with the realm's key. An Error that says what to do when the realm was never started. */
export async function callerToken(stateFolder: string, claims: TokenClaims): Promise<string> {
  const { callersKey } = keyFiles(stateFolder);
  if (!existsSync(callersKey)) throw new Error(`there is no key in ${callersKey}: "npm start" makes it`);
  return signToken(JSON.parse(readFileSync(callersKey, 'utf8')) as JWK, claims);
}
