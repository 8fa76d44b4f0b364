import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokenVerifier } from '@realmkeep/kit/auth/token-verifier';
import { createLogger } from '@realmkeep/kit/log/logger';
import { expect, it } from 'vitest';
import { root } from './manifests.ts';

it('the tokens that the chart makes are taken by the services', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-token-'));
  try {
    // Helm makes keys in this form.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [key, keys] = [join(folder, 'private.pem'), join(folder, 'public.pem')];
    writeFileSync(key, privateKey.export({ type: 'sec1', format: 'pem' }));
    writeFileSync(keys, createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
    const script = join(root, 'charts/realmkeep/files/scripts/token.mjs');
    const { stdout, stderr } = spawnSync(process.execPath, [script, key, 'player', 'ada'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const logger = createLogger({ name: 'test', level: 'silent' });
    const verifier = createTokenVerifier({ jwksFile: keys, internalJwksFile: keys, logger });
    try {
      const caller = await verifier.verify(`Bearer ${stdout.trim()}`);
      expect(caller).toMatchObject({ role: 'PLAYER', subject: 'ada' });
    } finally {
      verifier.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
