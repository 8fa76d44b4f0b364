import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stage } from '../e2e/stage.ts';
import { podsOf, readyPodsOf } from './pods.ts';
import { NAME, type Release } from './release.ts';
import { failures, startTraffic, type Traffic, total } from './traffic.ts';

const PARTS = ['player-state', 'item-location', 'area-stats', 'portal', 'envoy'];

/** What operators do to a release, amid calls of every kind; `whole`: to every part of it. */
export function changeStories(
  stage: Stage,
  release: () => Release,
  { values, whole }: { values: string[]; whole: boolean },
): void {
  describe('amid calls of every kind, none of which fails,', () => {
    let traffic: Traffic;
    beforeAll(async () => {
      traffic = await startTraffic(stage);
      traffic.pace(14, 60);
    });
    afterAll(() => traffic?.end());

    const rolledOut = (part: string) =>
      release().kubectl('rollout', 'status', 'deployment', `${NAME}-${part}`, '--timeout=240s');
    /** Does it while calls are made, and goes on until the pods that went are gone. */
    const amidCalls = async (what: string, change: () => Promise<unknown>) => {
      traffic.take();
      await more(200);
      await change();
      const settled = async () => {
        const pods = (await Promise.all(PARTS.map((part) => podsOf(release(), part)))).flat();
        return pods.every(({ metadata }) => metadata.deletionTimestamp === undefined);
      };
      await until(settled, { what: 'the old pods to be gone', within: 120_000, every: 500 });
      await more(200);
      const counts = traffic.take();
      console.log(`${what}: ${total(counts)} calls, ${total(failures(counts))} failed`);
      expect(failures(counts)).toEqual({});
    };
    const more = (calls: number) => {
      const enough = traffic.answered() + calls;
      return until(() => traffic.answered() >= enough, { what: `${calls} calls`, within: 60_000, every: 50 });
    };

    it.each(whole ? PARTS : ['player-state'])(
      '%s is restarted, pod by pod',
      async (part) => {
        await amidCalls(`rolling restart of ${part}`, async () => {
          await release().kubectl('rollout', 'restart', 'deployment', `${NAME}-${part}`);
          await rolledOut(part);
        });
      },
      400_000,
    );

    it.each(whole ? PARTS : ['item-location'])(
      'a pod of %s is deleted',
      async (part) => {
        await amidCalls(`deleted pod of ${part}`, async () => {
          const [pod] = await readyPodsOf(release(), part);
          await release().kubectl('delete', 'pod', pod!, '--wait=false');
          await until(async () => !(await readyPodsOf(release(), part)).includes(pod!), { what: `${pod} to go` });
          await rolledOut(part);
        });
      },
      400_000,
    );

    if (whole) {
      it('a value is changed by an upgrade, and back by a rollback', async () => {
        const limit = () =>
          release().kubectl('get', 'configmap', `${NAME}-player-state-settings`, '-o=jsonpath={.data.INVENTORY_LIMIT}');
        await amidCalls('helm upgrade', () =>
          release().deploy('upgrade', values, { 'player-state.settings.INVENTORY_LIMIT': '1500' }),
        );
        expect(await limit()).toBe('1500');
        await amidCalls('helm rollback', () => release().helm('rollback', '--wait', '--timeout', '5m'));
        expect(await limit()).toBe('');
      }, 900_000);
    }
  });
}
