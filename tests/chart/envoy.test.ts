import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { envoyBinary } from '@realmkeep/testkit/parts/envoy';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { createKeys } from '@realmkeep/testkit/tokens';
import { describe, expect, it } from 'vitest';
import { run } from '../../tools/generate/run.ts';
import { envoyFiles } from './running-envoy.ts';

const VARIANTS: Record<string, string[]> = {
  'the defaults': [],
  'a remote issuer of keys': [
    'global.auth.callers.source=remote',
    'global.auth.callers.remote.uri=https://issuer.example/jwks.json',
  ],
  'origins, limits and proxies': [
    'envoy.cors.origins={https://play.example,regex:https://[a-z]+[.]game[.]example}',
    'envoy.rateLimits.player.perSecond=7',
    'envoy.rateLimits.player.burst=11',
    'envoy.trustedProxies=1',
  ],
};

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')("Envoy's configuration from the chart", () => {
  it.each(Object.entries(VARIANTS))('is valid with %s', async (_, set) => {
    const files = await envoyFiles(set);
    const folder = mkdtempSync(join(tmpdir(), 'realmkeep-envoy-'));
    try {
      // Where the pod has volumes.
      const keys = join(folder, 'keys');
      mkdirSync(keys);
      writeFileSync(join(keys, 'jwks.json'), JSON.stringify((await createKeys('check')).jwks));
      copyFileSync(descriptorSetPath, join(folder, 'descriptor.binpb'));
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, name), text.replaceAll('/etc/envoy-keys', keys));
      }
      const args = ['--mode', 'validate', '--config-path', 'bootstrap.yaml', '--disable-hot-restart'];
      const { status, output } = await run(await envoyBinary(() => undefined), args, { cwd: folder });
      expect(status, output).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('calls the deployables by the names and ports that they have in the release', async () => {
    const { 'cds.yaml': clusters = '' } = await envoyFiles(['item-location.port=6000']);
    expect(clusters).toMatch(/address: realmkeep-item-location\s+port_value: 6000/);
    expect(clusters).not.toMatch(/port_value: 80$/m);
  });

  it('has the origins and the rate limits of the values', async () => {
    const { 'bootstrap.yaml': bootstrap = '' } = await envoyFiles(VARIANTS['origins, limits and proxies']!);
    expect(bootstrap).toContain('exact: https://play.example');
    expect(bootstrap).toContain('regex: https://[a-z]+[.]game[.]example');
    expect(bootstrap).toMatch(/max_tokens: 11\s+tokens_per_fill: 7/);
    expect(bootstrap).toContain('xff_num_trusted_hops: 1');
  });

  it('keeps the admin interface within the pod', async () => {
    const { 'bootstrap.yaml': bootstrap = '' } = await envoyFiles([]);
    expect(bootstrap).toMatch(/^admin:\s+address:\s+socket_address:\s+address: 127\.0\.0\.1\s+port_value: 9901/m);
  });

  it('serves TLS by the certificate of a Secret, which it reads again', async () => {
    const { 'certificate.yaml': certificate = '' } = await envoyFiles(['envoy.tls.enabled=true']);
    expect(certificate).toContain('filename: /etc/envoy-tls/tls.crt');
    expect(certificate).toContain('watched_directory: { path: /etc/envoy-tls }');
  });
});
