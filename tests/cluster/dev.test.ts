import { describe, expect, it } from 'vitest';
import { badEventStories } from '../e2e/stories/bad-events.ts';
import { badRequestStories } from '../e2e/stories/bad-requests.ts';
import { documentStories } from '../e2e/stories/documents.ts';
import { jobStories } from '../e2e/stories/jobs.ts';
import { locationStories } from '../e2e/stories/locations.ts';
import { processStories } from '../e2e/stories/processes.ts';
import { sessionStories } from '../e2e/stories/sessions.ts';
import { statsStories } from '../e2e/stories/stats.ts';
import { tokenStories } from '../e2e/stories/tokens.ts';
import { transactionStories } from '../e2e/stories/transactions.ts';
import { watchStories } from '../e2e/stories/watches.ts';
import { changeStories } from './changes.ts';
import { installed } from './installed.ts';
import { invariantStories } from './invariants.ts';
import { podsOf } from './pods.ts';
import { NAME } from './release.ts';
import { scalingStories } from './scaling.ts';
import { sizingStories } from './sizing.ts';
import { storeStories } from './stores.ts';

/** Whether everything is asked of the cluster; else one rollout stands for all. */
const WHOLE = process.env.CLUSTER_OPERATIONS !== 'short';

const VALUES = ['dev-values.yaml'];
const PRIMARY = `pod/${NAME}-postgres-0`;
const { stage, release } = installed({ purpose: 'dev', values: VALUES, primary: PRIMARY });

describe('a release with stores of its own', () => {
  it('is healthy by helm test', async () => {
    const told = await release().helm('test');
    expect(told).toContain('Phase:          Succeeded');
  });

  it('restarts no pod while it is installed', async () => {
    const parts = ['player-state', 'item-location', 'area-stats', 'portal', 'envoy', 'postgres', 'valkey'];
    const pods = (await Promise.all(parts.map((part) => podsOf(release(), part)))).flat();
    const restarted = pods.filter(({ status }) =>
      status.containerStatuses?.some(({ restartCount }) => restartCount > 0),
    );
    expect(restarted.map(({ metadata }) => metadata.name)).toEqual([]);
  });
});

processStories(stage);
tokenStories(stage);
statsStories(stage);
badEventStories(stage);
jobStories(stage);
badRequestStories(stage);
transactionStories(stage);
sessionStories(stage);
documentStories(stage);
if (WHOLE) {
  watchStories(stage);
  locationStories(stage);
  scalingStories(stage, release);
  sizingStories(stage, release);
}
changeStories(stage, release, { values: VALUES, whole: WHOLE });
if (WHOLE) storeStories(stage, release);
invariantStories(release, PRIMARY);

describe('the end of a release', () => {
  it('leaves nothing, volumes included, when it is uninstalled', async () => {
    expect(await release().remove()).toEqual([]);
  });
});
