import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart, STORES } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { type Caller, flowsOf, reachedBy } from './flows.ts';
import { reviewedManifests, root } from './manifests.ts';

const SERVICES = ['player-state', 'item-location', 'area-stats'];

/** What goes between the services, and what helm test does. */
const CALLS = [
  'envoy -> area-stats:50053',
  'envoy -> item-location:50052',
  'envoy -> player-state:50051',
  'envoy -> portal:8081',
  'item-location -> player-state:50051',
  'player-state -> area-stats:50053',
  'player-state -> item-location:50052',
  'test -> envoy:8080',
];

it('with stores of yours nothing goes between the pods but the calls that there are', () => {
  expect(flowsOf(reviewedManifests('external'))).toEqual(CALLS);
});

it('with stores of the chart the services and their migrations reach them, and the stores one another', () => {
  const clients = SERVICES.flatMap((name) => [name, `${name}-migrate`]);
  const flows = flowsOf(reviewedManifests('dev')).filter((flow) => !CALLS.includes(flow));
  const ports = (store: string) => [
    ...new Set(flows.filter((flow) => flow.includes(`> ${store}:`)).map((flow) => flow.split(':')[1]!)),
  ];
  const callers = (store: string) => [
    ...new Set(flows.filter((flow) => flow.includes(`> ${store}:`)).map((flow) => flow.split(' ')[0]!)),
  ];
  expect(ports('postgres')).toEqual(['5432']);
  expect(callers('postgres').toSorted()).toEqual([...clients, 'postgres'].toSorted());
  expect(callers('valkey').toSorted()).toEqual([...clients, 'valkey', 'valkey-join'].toSorted());
  expect(flows.filter((flow) => !/-> (postgres|valkey):/.test(flow))).toEqual([]);
});

const NEIGHBOUR: Caller = { namespace: 'realmkeep', labels: {} };
const STRANGER: Caller = { namespace: 'elsewhere', labels: {} };
const READER: Caller = { namespace: 'monitoring', labels: {} };

describe.each(STORES)('with stores %s a pod that is none of the release', (stores) => {
  const metrics = ['area-stats:9464', 'envoy:9464', 'item-location:9464', 'player-state:9464', 'portal:9464'];
  if (stores === 'cnpg') metrics.push('postgres:9187');

  it.each([
    ['of its namespace', NEIGHBOUR],
    ['of another namespace', STRANGER],
  ])('%s reaches Envoy, and metrics for want of values that name their readers, and nothing else', (_, caller) => {
    expect(reachedBy(caller, reviewedManifests(stores))).toEqual(['envoy:8080', ...metrics].toSorted());
  });

  // Helm is no part of the checkout; in CI it must be there.
  it.skipIf(!onPath('helm') && process.env.CI !== 'true')(
    'reaches metrics, and Envoy, only where the values name it',
    async () => {
      const peer = (path: string, namespace: string) =>
        `${path}[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=${namespace}`;
      const readers = peer('global.networkPolicy.metricsFrom', READER.namespace);
      const callers = peer('envoy.networkPolicy.from', STRANGER.namespace);
      const { status, output } = await renderChart({ root, stores, set: [readers, callers] });
      expect(status, output).toBe(0);
      const manifests = manifestsOf(output);
      expect(reachedBy(READER, manifests)).toEqual(metrics);
      expect(reachedBy(STRANGER, manifests)).toEqual(['envoy:8080']);
      expect(reachedBy(NEIGHBOUR, manifests)).toEqual([]);
    },
  );
});
