import { join } from 'node:path';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../chart/manifests.ts';
import { command } from './command.ts';

type Config = {
  build: { artifacts: { image: string }[] };
  deploy: { helm: { releases?: { chartPath: string }[]; hooks?: { after: unknown[] } } };
};

/** What skaffold makes of its file with a profile. */
async function configOf(profile: string): Promise<Config> {
  return parse(await command('skaffold', ['diagnose', '--yaml-only', '--profile', profile]));
}

// Skaffold is a tool of who develops on a cluster; in CI it must be there.
describe.skipIf(!onPath('skaffold') && process.env.CI !== 'true')('a profile of skaffold', () => {
  it.each(['dev', 'ci'])('%s builds each service and installs the chart', async (profile) => {
    const { build, deploy } = await configOf(profile);
    expect(build.artifacts.map(({ image }) => image).toSorted()).toEqual([
      'realmkeep/area-stats',
      'realmkeep/item-location',
      'realmkeep/player-state',
      'realmkeep/portal',
    ]);
    expect(deploy.helm.releases?.map(({ chartPath }) => chartPath)).toEqual([join(root, 'charts/realmkeep')]);
  });

  it('ci asks helm test when all is ready', async () => {
    const { deploy } = await configOf('ci');
    expect(deploy.helm.hooks?.after).toEqual([
      { host: { command: ['helm', 'test', 'realmkeep', '--namespace', 'realmkeep'] } },
    ]);
  });
});
