import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestTokens } from '@realmkeep/testkit/tokens';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createServiceTokens } from './service-tokens.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kit-tokens-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

test('a service token is made once, and again before it ends', async () => {
  const { internal } = await createTestTokens();
  const keyFile = join(folder, 'key.json');
  const tokens = createServiceTokens({ name: 'item-location', keyFile });
  await expect(tokens.token()).rejects.toThrow();

  await writeFile(keyFile, JSON.stringify(internal.privateKey));
  const first = await tokens.token();
  expect(await tokens.token()).toBe(first);
  const { payload } = await jwtVerify(first, createLocalJWKSet(internal.jwks), {
    algorithms: ['ES256'],
    issuer: 'realmkeep-internal',
    audience: 'realmkeep',
  });
  expect(payload).toMatchObject({ sub: 'item-location', role: 'service' });

  vi.useFakeTimers({ toFake: ['Date'], now: payload.exp! * 1000 - 59_000 });
  const second = await tokens.token();
  expect(second).not.toBe(first);
});
