import { join } from 'node:path';
import { type Run, run } from '../generate/run.ts';

export const CHART = 'charts/realmkeep';

/** The kinds of stores, each with a values file of its own in the chart's folder `ci`. */
export const STORES = ['dev', 'cnpg', 'external'] as const;
export type Stores = (typeof STORES)[number];

/** A render asks no cluster: it is told which one to expect. */
export const KUBERNETES = '1.34.0';

/**
 * The manifests that `helm template` makes for one kind of stores; `set` are further values, as `--set` takes them;
 * `apiServer` is where the API of a cluster with CloudNativePG answers what templates look up. The output is helm's
 * complaint when the status is not 0.
 *
 * @throws ENOENT when there is no helm
 */
export function renderChart({
  root,
  stores,
  set = [],
  apiServer,
  release = 'realmkeep',
}: {
  root: string;
  stores: Stores;
  set?: string[];
  apiServer?: string;
  release?: string;
}): Promise<Run> {
  const values = join(CHART, 'ci', `${stores}-values.yaml`);
  const args = ['template', release, CHART, '--namespace', 'realmkeep', '--kube-version', KUBERNETES];
  if (apiServer) {
    args.push('--dry-run=server', '--kube-apiserver', apiServer, '--api-versions', 'postgresql.cnpg.io/v1');
  }
  return run('helm', [...args, '--values', values, ...set.flatMap((value) => ['--set', value])], { cwd: root });
}
