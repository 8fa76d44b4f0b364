import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart, type Stores } from '../../tools/chart/render.ts';
import { startLookupServer } from './lookup-server.ts';
import { root } from './manifests.ts';

const DEV = 'StatefulSet/realmkeep-postgres';
const CNPG = 'Cluster/realmkeep-postgres';
const VALKEY = 'StatefulSet/realmkeep-valkey';
const EXTERNAL_VALKEY = 'stores.valkey.external.nodes={valkey.example:6379}';

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
    [DEV, 'dev', [EXTERNAL_VALKEY]],
    [CNPG, 'cnpg', [EXTERNAL_VALKEY]],
    // What was agreed to when the kind changed holds no longer.
    [CNPG, 'cnpg', [EXTERNAL_VALKEY, 'stores.abandon=dev']],
    ['none', 'external', []],
  ] as const)(
    'beside %s the Valkey of the chart is not taken away with stores %s and %j',
    async (other, stores, set) => {
      const { status, output } = await renderWhere([other, VALKEY], stores, [...set]);
      expect(status).not.toBe(0);
      expect(output).toContain('leaves out realmkeep-valkey');
      expect(output).toContain('stores.abandon=valkey');
      expect((await renderWhere([other, VALKEY], stores, [...set, 'stores.abandon=valkey'])).status).toBe(0);
    },
  );

  it.each([
    [DEV, 'external', 'dev'],
    [CNPG, 'external', 'cnpg'],
  ] as const)(
    'beside %s the Valkey goes to stores %s with the kind that is abandoned',
    async (object, stores, kind) => {
      expect((await renderWhere([object, VALKEY], stores)).status).not.toBe(0);
      expect((await renderWhere([object, VALKEY], stores, [`stores.abandon=${kind}`])).status).toBe(0);
    },
  );

  it.each([
    [[], 'dev', [EXTERNAL_VALKEY]],
    [[DEV], 'dev', [EXTERNAL_VALKEY]],
    [[DEV, VALKEY], 'dev', []],
    [[CNPG, VALKEY], 'cnpg', []],
    [[DEV, VALKEY], 'cnpg', ['stores.abandon=dev']],
  ] as const)('%j is no obstacle to %s with %j', async (objects, stores, set) => {
    const { status, output } = await renderWhere([...objects], stores, [...set]);
    expect(status, output).toBe(0);
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
