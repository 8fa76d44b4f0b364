import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../../tools/chart/render.ts';
import { type Manifest, manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('the Jobs of the chart', () => {
  /** Its Jobs by name; helm counts no revisions here. */
  async function jobsOf({ release, set = [] }: { release?: string; set?: string[] }): Promise<Map<string, Manifest>> {
    const { status, output } = await renderChart({ root, stores: 'dev', set, release });
    if (status !== 0) throw new Error(output);
    const jobs = manifestsOf(output).filter(({ kind }) => kind === 'Job');
    return new Map(jobs.map((job) => [job.metadata.name, job]));
  }

  it('are other ones when their pods are, and the same when they are not', async () => {
    const [before, again] = [await jobsOf({}), await jobsOf({})];
    expect([...again.keys()]).toEqual([...before.keys()]);
    const newImage = await jobsOf({ set: ['global.image.tag=2.0.0'] });
    const stay = [...newImage.keys()].filter((name) => before.has(name));
    expect(stay).toEqual([expect.stringMatching(/^realmkeep-valkey-join-1-[0-9a-f]{8}$/)]);
    const newValkey = await jobsOf({ set: ['stores.valkey.image=valkey/valkey:9.1'] });
    expect([...newValkey.keys()].filter((name) => !before.has(name))).toEqual([
      expect.stringMatching(/^realmkeep-valkey-join-1-[0-9a-f]{8}$/),
    ]);
  });

  it('have names of at most 63 characters', async () => {
    const long = 'a-release-whose-name-is-about-as-long-as-it-may-be';
    const jobs = [...(await jobsOf({ release: `${long}-1` })).keys()];
    expect(jobs).toHaveLength(4);
    for (const name of jobs) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
  });

  it('end by themselves, and are cleared away after everyone has seen them', async () => {
    for (const [name, { spec }] of await jobsOf({})) {
      expect(spec, name).toMatchObject({ activeDeadlineSeconds: expect.any(Number), ttlSecondsAfterFinished: 86_400 });
    }
  });
});
