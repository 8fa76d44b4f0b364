import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderChart, STORES } from '../../tools/chart/render.ts';
import { root } from '../chart/manifests.ts';
import { command } from './command.ts';

describe('the API of the cluster', () => {
  const namespace = `realmkeep-schemas-${randomBytes(3).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-schemas-'));
  beforeAll(() => command('kubectl', ['create', 'namespace', namespace]));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await command('kubectl', ['delete', 'namespace', namespace, '--wait=false']);
  });

  it.for(STORES)('knows every field of what the chart renders for stores %s', async (stores, { skip }) => {
    const operator = await command('kubectl', ['api-resources', '--api-group=postgresql.cnpg.io', '--output=name']);
    if (stores === 'cnpg' && operator === '') skip('CloudNativePG is not there');
    const { status, output } = await renderChart({ root, stores });
    expect(status, output).toBe(0);
    const file = join(folder, `${stores}.yaml`);
    writeFileSync(file, output.replaceAll('namespace: realmkeep\n', `namespace: ${namespace}\n`));
    // What the API server itself says, of the operators' objects too; nothing is made.
    const strictly = ['--server-side', '--dry-run=server', '--validate=strict'];
    await command('kubectl', ['--namespace', namespace, 'apply', ...strictly, '--filename', file]);
  });
});
