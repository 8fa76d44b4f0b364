import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderChart } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

type Mapping = { containerPort: number; hostPort: number };
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const mappings = (parse(read('k8s/kind.yaml')) as { nodes: { extraPortMappings?: Mapping[] }[] }).nodes.flatMap(
  ({ extraPortMappings = [] }) => extraPortMappings,
);

// Helm is no part of the checkout; in CI it must be there.
it.skipIf(!onPath('helm') && process.env.CI !== 'true')(
  'the port that kind maps is that of a release with its values, on whichever node its pods are',
  async () => {
    const { envoy } = parse(read('k8s/kind-values.yaml')) as { envoy: { service: Record<string, string | number> } };
    const set = Object.entries(envoy.service).map(([key, value]) => `envoy.service.${key}=${value}`);
    const { status, output } = await renderChart({ root, stores: 'dev', set });
    expect(status, output).toBe(0);
    const service = manifestsOf(output).find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === 'realmkeep-envoy',
    );
    expect(service?.spec).toMatchObject({
      type: 'NodePort',
      externalTrafficPolicy: 'Cluster',
      ports: mappings.map(({ containerPort }) => ({ nodePort: containerPort })),
    });
  },
);

it('the port that kind takes is none that skaffold or NOTES forward', () => {
  const { portForward } = parse(read('skaffold.yaml')) as { portForward: { localPort: number }[] };
  const forwarded = portForward.map(({ localPort }) => localPort);
  const noted = [...read('charts/realmkeep/templates/NOTES.txt').matchAll(/port-forward .*? (\d+)/g)];
  expect(noted).not.toEqual([]);
  for (const { hostPort } of mappings) {
    expect([...forwarded, ...noted.map(([, port]) => Number(port))]).not.toContain(hostPort);
  }
});
