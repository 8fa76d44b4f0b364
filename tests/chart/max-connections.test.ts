import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

/** What is not player-state: two services by default, whose rollouts have 10 + 1 + 3 pods, and 40 for operators. */
const OTHERS = 2 * (10 + 1 + 3) * (10 + 4) + 40;

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('max_connections', () => {
  async function maxConnections(set: string[]): Promise<number> {
    const { status, output } = await renderChart({ root, stores: 'cnpg', set });
    if (status !== 0) throw new Error(output);
    const { spec } = manifestsOf(output).find(({ kind }) => kind === 'Cluster')!;
    return Number(
      (spec as { postgresql: { parameters: Record<string, string> } }).postgresql.parameters.max_connections,
    );
  }

  it.each([
    ['the defaults: a pod of 35 s ends every 12 s', [], (10 + 1 + 3) * 14],
    ['a larger pool', ['settings.POSTGRES_POOL_SIZE=20'], (10 + 1 + 3) * 24],
    ['more pods', ['autoscaling.maxReplicas=20'], (20 + 1 + 3) * 14],
    ['pods that nobody scales', ['autoscaling.enabled=false', 'replicas=4'], (4 + 1 + 3) * 14],
    ['a surge of a part of the pods, rounded up', ['maxSurge=25%'], (10 + 3 + 9) * 14],
    ['a surge of all pods, which end at once', ['maxSurge=100%'], (10 + 10 + 10) * 14],
    ['a longer drain', ['drain.timeoutMs=40000'], (10 + 1 + 5) * 14],
    ['pods that count at once', ['minReadySeconds=0'], (10 + 1 + 10) * 14],
  ])('is enough for the pods of a rollout, and those that it has told to end, with %s', async (_, set, connections) => {
    const ofPlayerState = set.map((value) => `player-state.${value}`);
    expect(await maxConnections(ofPlayerState)).toBe(connections + OTHERS);
  });
});
