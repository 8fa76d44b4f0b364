import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart, STORES } from '../../tools/chart/render.ts';
import { type Manifest, manifestsOf } from '../../tools/chart/reviewed.ts';
import { placeOf, podOf, root } from './manifests.ts';

const PLACED = {
  priorityClassName: 'high',
  nodeSelector: { pool: 'game' },
  tolerations: [{ key: 'game', operator: 'Exists' }],
  affinity: { nodeAffinity: { preferred: 'x' } },
};
const OF = ['player-state', 'item-location', 'area-stats', 'portal', 'envoy'];
const OF_STORES = ['stores.dev.postgres', 'stores.cnpg', 'stores.valkey'];

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('placement and pull secrets', () => {
  async function placed(stores: (typeof STORES)[number]): Promise<Manifest[]> {
    const set = [...OF, ...OF_STORES].flatMap((of) => [
      `${of}.priorityClassName=high`,
      `${of}.nodeSelector.pool=game`,
      `${of}.tolerations[0].key=game`,
      `${of}.tolerations[0].operator=Exists`,
      `${of}.affinity.nodeAffinity.preferred=x`,
    ]);
    const further = ['global.image.pullSecrets[0].name=registry', 'stores.cnpg.walStorage.size=4Gi'];
    const { status, output } = await renderChart({ root, stores, set: [...set, ...further] });
    if (status !== 0) throw new Error(output);
    return manifestsOf(output);
  }

  it.each(STORES)('reach every pod that the chart makes with stores %s', async (stores) => {
    for (const manifest of await placed(stores)) {
      const pod = podOf(manifest);
      if (!pod) continue;
      const wanted = { ...PLACED, imagePullSecrets: [{ name: 'registry' }] };
      expect(pod.spec, placeOf(manifest)).toMatchObject(wanted);
    }
  });

  it("reach the Cluster of CloudNativePG in its operator's words, with a volume for the WAL", async () => {
    const cluster = (await placed('cnpg')).find(({ kind }) => kind === 'Cluster')!;
    expect(cluster.spec).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }],
      priorityClassName: 'high',
      affinity: {
        nodeSelector: PLACED.nodeSelector,
        tolerations: PLACED.tolerations,
        nodeAffinity: { preferred: 'x' },
      },
      walStorage: { size: '4Gi' },
    });
  });
});
