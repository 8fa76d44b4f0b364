import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart, type Stores } from '../../tools/chart/render.ts';
import { startLookupServer } from './lookup-server.ts';
import { root } from './manifests.ts';

const DEV = 'StatefulSet/realmkeep-postgres';
const CNPG = 'Cluster/realmkeep-postgres';

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('stores that are installed', () => {
  /** What helm renders where these objects are in the cluster. */
  async function renderWhere(objects: string[], stores: Stores, set: string[] = []) {
    const server = await startLookupServer(objects);
    try {
      return await renderChart({ root, stores, set, apiServer: server.url });
    } finally {
      await server.close();
    }
  }

  it.each([
    [DEV, 'cnpg', 'dev'],
    [DEV, 'external', 'dev'],
    [CNPG, 'dev', 'cnpg'],
    [CNPG, 'external', 'cnpg'],
  ] as const)('%s is not taken away by an upgrade to %s that does not say so', async (object, stores, installed) => {
    const { status, output } = await renderWhere([object], stores);
    expect(status).not.toBe(0);
    expect(output).toContain(`is the Postgres of stores.kind=${installed}`);
    expect(output).toContain(`stores.abandon=${installed}`);
    expect((await renderWhere([object], stores, [`stores.abandon=${installed}`])).status).toBe(0);
  });

  it.each([
    [[], 'dev'],
    [[], 'cnpg'],
    [[DEV], 'dev'],
    [[CNPG], 'cnpg'],
  ] as const)('%j is no obstacle to %s', async (objects, stores) => {
    const { status, output } = await renderWhere([...objects], stores);
    expect(status, output).toBe(0);
  });
});
