import type { Release } from './release.ts';

export type Pod = {
  metadata: { name: string; deletionTimestamp?: string };
  status: {
    phase: string;
    containerStatuses?: { restartCount: number }[];
    conditions?: { type: string; status: string }[];
  };
};

/** The pods of a part of the release, by its name there: `player-state`, `envoy`, `postgres`. */
export async function podsOf(release: Release, part: string): Promise<Pod[]> {
  const { items } = await release.get<{ items: Pod[] }>('pods', `--selector=app.kubernetes.io/name=${part}`);
  return items;
}

/** Those of them that serve, and were not told to go. */
export async function readyPodsOf(release: Release, part: string): Promise<string[]> {
  const pods = await podsOf(release, part);
  const isReady = ({ metadata, status }: Pod) =>
    metadata.deletionTimestamp === undefined &&
    status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return pods.filter(isReady).map(({ metadata }) => metadata.name);
}

/** How many calls a pod has answered so far, by its own metrics. */
export function answeredBy(release: Release, pod: string): Promise<number> {
  return metricOf(release, pod, 'rpc_server_call_duration_count');
}

/** How many streams are open at a pod. */
export function streamsOf(release: Release, pod: string): Promise<number> {
  return metricOf(release, pod, 'rpc_server_open_streams');
}

/** The sum of all series of a metric of a pod. */
async function metricOf(release: Release, pod: string, name: string): Promise<number> {
  const path = `/api/v1/namespaces/${release.namespace}/pods/${pod}:9464/proxy/metrics`;
  const metrics = await release.kubectl('get', '--raw', path);
  const series = [...metrics.matchAll(/^(\w+)(?:\{.*\})? (\d+)/gm)].filter(([, metric]) => metric === name);
  return series.reduce((sum, [, , value]) => sum + Number(value), 0);
}
