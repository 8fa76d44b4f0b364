import { type Stage, stageOn } from '../e2e/stage.ts';
import { realmOf } from './realm.ts';
import { openRelease, type Release } from './release.ts';

/** A failed run's release stays for a look when this is set. */
const KEEP = process.env.CLUSTER_KEEP === 'true';

/**
 * Installs a release before the tests of the file, and says how long that took; removes it after them, unless a test
 * has. `primary` is the writable Postgres as kubectl names it.
 */
export function installed(options: { purpose: string; values: string[]; primary: string }): {
  stage: Stage;
  release: () => Release;
} {
  const { purpose, values, primary } = options;
  let release: Release | undefined;
  const stage = stageOn(async () => {
    const opened = await openRelease(purpose);
    release = opened;
    const began = performance.now();
    try {
      await opened.deploy('install', values);
    } catch (fault) {
      console.log(await opened.kubectl('get', 'pods'));
      console.log(await opened.kubectl('get', 'events', '--sort-by=.lastTimestamp').catch(String));
      if (!KEEP) await opened.remove();
      throw fault;
    }
    console.log(
      `installed and ready after ${Math.round((performance.now() - began) / 1_000)} s, in ${opened.namespace}`,
    );
    const realm = await realmOf(opened, primary);
    return {
      ...realm,
      stop: async () => {
        await realm.stop();
        if (!KEEP) await opened.remove();
      },
    };
  });
  return { stage, release: () => release! };
}
