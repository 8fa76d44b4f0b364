import { expect, it } from 'vitest';
import { flowsOf } from './flows.ts';
import { reviewedManifests } from './manifests.ts';

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
