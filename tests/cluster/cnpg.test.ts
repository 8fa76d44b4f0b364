import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { statsStories } from '../e2e/stories/stats.ts';
import { transactionStories } from '../e2e/stories/transactions.ts';
import { installed } from './installed.ts';
import { invariantStories } from './invariants.ts';
import { expectExactly } from './ledger.ts';
import { NAME } from './release.ts';
import { startWriters } from './writers.ts';

const ROUNDS = 3;
const PRIMARY = `service/${NAME}-postgres-rw`;
const CLUSTER = `cluster.postgresql.cnpg.io/${NAME}-postgres`;

const { stage, release } = installed({
  purpose: 'cnpg',
  values: ['dev-values.yaml', 'cnpg-values.yaml'],
  primary: PRIMARY,
});

const primary = () => release().kubectl('get', CLUSTER, '--output=jsonpath={.status.currentPrimary}');
const healthy = () => release().kubectl('wait', CLUSTER, '--for=condition=Ready', '--timeout=300s');

describe('a release with CloudNativePG', () => {
  it('is healthy by helm test, and its commits wait for one of two followers', async () => {
    await healthy();
    expect(await release().helm('test')).toContain('Phase:          Succeeded');
    const asked = ['psql', '--tuples-only', '--no-align', '--command', 'show synchronous_standby_names'];
    const names = await release().kubectl('exec', await primary(), '--container=postgres', '--', ...asked);
    expect(names).toMatch(/^ANY 1 /);
  });
});

transactionStories(stage);
statsStories(stage);

describe('the loss of its primary', () => {
  it('loses and doubles no acknowledged write, writes are back within 10 s, and reads go on', async () => {
    const load = await startWriters(stage);
    const gaps: number[] = [];
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        await load.written(100, 'writes before the primary is deleted');
        const old = await primary();
        load.longestGap();
        await release().kubectl('delete', 'pod', old, '--wait=false');
        const promoted = async () => {
          const now = await primary();
          return now !== old && now !== '';
        };
        await until(promoted, { what: 'another primary', within: 60_000, every: 250 });
        await load.written(100, 'writes on the new primary');
        gaps.push(Math.round(load.longestGap()));
        await healthy();
      }
    } finally {
      await load.stop();
    }
    console.log(
      `${ROUNDS} primaries deleted amid ${load.acknowledged.length} acknowledged writes and ${load.reads()} reads: ` +
        `longest time without an acknowledgement ${gaps.join(', ')} ms; ${load.failedReads.length} reads failed`,
    );
    expect(load.failedReads.map(String)).toEqual([]);
    expect(load.staleReads).toEqual([]);
    await expectExactly(release(), await primary(), load.players, load.acknowledged);
    expect(Math.max(...gaps)).toBeLessThan(10_000);
  }, 900_000);
});

invariantStories(release, PRIMARY);

describe('the end of the release', () => {
  it('leaves nothing, volumes included, when it is uninstalled', async () => {
    expect(await release().remove()).toEqual([]);
  });
});
