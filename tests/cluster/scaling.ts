import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../e2e/stage.ts';
import { answeredBy, readyPodsOf } from './pods.ts';
import { NAME, type Release } from './release.ts';
import { failures, startTraffic, total } from './traffic.ts';

/** How player-state follows its load. */
export function scalingStories(stage: Stage, release: () => Release): void {
  describe('the autoscaler of player-state', () => {
    it('adds pods under load, gives them traffic, takes them away again, and no call fails', async () => {
      const pods = () => readyPodsOf(release(), 'player-state');
      const target = async () => {
        const { status } = await release().get<{ status: { desiredReplicas: number } }>('hpa', `${NAME}-player-state`);
        return status.desiredReplicas;
      };
      const before = await pods();
      const traffic = await startTraffic(stage);
      try {
        traffic.pace(42, 0);
        const grown = await until(
          async () => {
            const now = await pods();
            return now.length > before.length && now;
          },
          { what: 'the autoscaler to add a pod that is ready', within: 240_000, every: 1_000 },
        );
        const added = grown.filter((pod) => !before.includes(pod));
        const counts = await Promise.all(added.map((pod) => answeredBy(release(), pod)));
        const busier = async () => {
          const now = await Promise.all(added.map((pod) => answeredBy(release(), pod)));
          return now.every((count, index) => count > counts[index]! + 50);
        };
        await until(busier, { what: 'the new pods to answer calls', within: 60_000, every: 1_000 });

        // Some calls go on, so that one which fails on the way down is seen.
        traffic.pace(3, 300);
        const back = async () => (await target()) === before.length && (await pods()).length === before.length;
        await until(back, { what: 'the autoscaler to take its pods away', within: 420_000, every: 2_000 });
        console.log(`player-state went from ${before.length} to ${grown.length} pods and back`);
      } finally {
        await traffic.end();
      }
      const counts = traffic.take();
      console.log(`scaling: ${total(counts)} calls, ${total(failures(counts))} failed`);
      expect(failures(counts)).toEqual({});
    }, 900_000);
  });
}
