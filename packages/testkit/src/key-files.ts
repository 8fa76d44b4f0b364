import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestTokens, type TestTokens } from './tokens.ts';

export type KeyFiles = { tokens: TestTokens; env: Record<string, string>; remove(): Promise<void> };

/** Fresh keys of callers and services, as files and as the settings of a service that name them. */
export async function writeKeys(): Promise<KeyFiles> {
  const tokens = await createTestTokens();
  const folder = await mkdtemp(join(tmpdir(), 'realmkeep-keys-'));
  const files = {
    JWKS_FILE: tokens.callers.jwks,
    INTERNAL_JWKS_FILE: tokens.internal.jwks,
    INTERNAL_KEY_FILE: tokens.internal.privateKey,
  };
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(files)) {
    env[name] = join(folder, `${name}.json`);
    await writeFile(env[name], JSON.stringify(value));
  }
  return { tokens, env, remove: () => rm(folder, { recursive: true }) };
}
