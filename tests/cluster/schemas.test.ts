import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderChart, STORES } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from '../chart/manifests.ts';
import { command } from './command.ts';

/** APIs that operators bring: a cluster may be without them. */
const OF_OPERATORS = ['postgresql.cnpg.io/v1', 'cert-manager.io/v1', 'monitoring.coreos.com/v1'];

/** Values that turn on each object that the chart leaves out by default. */
const EVERY_OBJECT = [
  'envoy.tls.enabled=true',
  'envoy.tls.certManager.enabled=true',
  'envoy.tls.certManager.issuerName=issuer',
  'envoy.tls.certManager.dnsNames={play.example}',
  'monitoring.serviceMonitor.enabled=true',
  'monitoring.alerts.enabled=true',
  'monitoring.dashboards.enabled=true',
];

describe('the API of the cluster', () => {
  const namespace = `realmkeep-schemas-${randomBytes(3).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-schemas-'));
  beforeAll(() => command('kubectl', ['create', 'namespace', namespace]));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await command('kubectl', ['delete', 'namespace', namespace, '--wait=false']);
  });

  const variants = STORES.flatMap((stores) => [
    { stores, what: 'by default', set: [] },
    { stores, what: 'with every object', set: EVERY_OBJECT },
  ]);
  it.for(variants)(
    'knows every field of what the chart renders for stores $stores, $what',
    async (variant, { skip }) => {
      const { stores, what, set } = variant;
      const { status, output } = await renderChart({ root, stores, set });
      expect(status, output).toBe(0);
      const served = (await command('kubectl', ['api-versions'])).split('\n');
      const needed = new Set(manifestsOf(output).map(({ apiVersion }) => apiVersion));
      const missing = OF_OPERATORS.filter((api) => needed.has(api) && !served.includes(api));
      if (missing.length > 0) skip(`the cluster is without ${missing.join(', ')}`);
      const file = join(folder, `${stores} ${what}.yaml`);
      writeFileSync(file, output.replaceAll('namespace: realmkeep\n', `namespace: ${namespace}\n`));
      // What the API server itself says, of the operators' objects too; nothing is made.
      const strictly = ['--server-side', '--dry-run=server', '--validate=strict'];
      await command('kubectl', ['--namespace', namespace, 'apply', ...strictly, '--filename', file]);
    },
  );
});
