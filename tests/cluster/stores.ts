import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../e2e/stage.ts';
import { expectExactly } from './ledger.ts';
import { podsOf, readyPodsOf } from './pods.ts';
import { NAME, type Release } from './release.ts';
import { startWriters } from './writers.ts';

/** What the notes of a release promise of its own stores. */
export function storeStories(stage: Stage, release: () => Release): void {
  describe('the stores of the chart', () => {
    it('lose and double no acknowledged write, and serve reads, while each of their pods is killed in turn', async () => {
      const load = await startWriters(stage);
      try {
        for (const part of ['postgres', 'valkey']) {
          const gaps: string[] = [];
          const all = (await podsOf(release(), part)).map(({ metadata }) => metadata.name);
          for (const pod of all) {
            await load.written(30, `writes before ${pod} is killed`);
            load.longestGap();
            await release().kubectl('delete', 'pod', pod, '--grace-period=0', '--force');
            const back = async () => (await readyPodsOf(release(), part)).length === all.length;
            await until(back, { what: `${pod} to be back`, within: 120_000, every: 500 });
            await load.written(30, `writes after ${pod} came back`);
            gaps.push(`${pod} ${Math.round(load.longestGap())} ms`);
          }
          console.log(`longest time without an acknowledgement when killed: ${gaps.join(', ')}`);
        }
      } finally {
        await load.stop();
      }
      console.log(
        `${load.acknowledged.length} writes acknowledged, ${load.reads()} reads, ${load.failedReads.length} failed`,
      );
      expect(load.failedReads.map(String)).toEqual([]);
      expect(load.staleReads).toEqual([]);
      await expectExactly(release(), `${NAME}-postgres-0`, load.players, load.acknowledged);
    }, 600_000);

    it('copy the primary anew to a replica whose volume is given up, as the runbook of a lost replica says', async () => {
      const replica = `${NAME}-postgres-2`;
      const claim = `data-${replica}`;
      const volume = () => release().kubectl('get', 'pvc', claim, '--output=jsonpath={.spec.volumeName}');
      const all = (await podsOf(release(), 'postgres')).length;
      const before = await volume();
      await release().kubectl('delete', 'pvc', claim, '--wait=false');
      await release().kubectl('delete', 'pod', replica);
      const back = async () => (await readyPodsOf(release(), 'postgres')).length === all && (await volume()) !== before;
      await until(back, { what: 'the replica to have a volume of its own again', within: 180_000, every: 500 });
      const streams = `select count(*) from pg_stat_replication where state = 'streaming' and application_name = '${replica}'`;
      const psql = ['psql', '--username=postgres', '--no-align', '--tuples-only', '--command', streams];
      const streaming = () => release().kubectl('exec', `${NAME}-postgres-0`, '--container=postgres', '--', ...psql);
      await until(async () => (await streaming()) === '1', {
        what: 'the replica to follow',
        within: 60_000,
        every: 500,
      });
    }, 300_000);
  });
}
