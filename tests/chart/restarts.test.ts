import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart, type Stores } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('the pods of a service', () => {
  /** The template of its pods by the name of each Deployment, as text. */
  async function podsOf(stores: Stores, ...set: string[]): Promise<Record<string, string>> {
    const { status, output } = await renderChart({ root, stores, set });
    if (status !== 0) throw new Error(output);
    const deployments = manifestsOf(output).filter(({ kind }) => kind === 'Deployment');
    return Object.fromEntries(deployments.map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec!.template)]));
  }
  const WITH_STORES = ['realmkeep-area-stats', 'realmkeep-item-location', 'realmkeep-player-state'];

  it.each([
    ['dev', 'stores.dev.postgres.replicas=1'],
    ['dev', 'stores.valkey.external.nodes={cache:6379}'],
    ['dev', 'stores.kind=cnpg'],
    ['cnpg', 'stores.valkey.external.nodes={cache:6379}'],
  ] as const)('are made anew when what the chart says of stores %s changes: %s', async (stores, value) => {
    const [before, after] = [await podsOf(stores), await podsOf(stores, value)];
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed.toSorted()).toEqual(WITH_STORES);
  });

  it('stay when only passwords were made anew', async () => {
    expect(await podsOf('dev')).toEqual(await podsOf('dev'));
  });
});
