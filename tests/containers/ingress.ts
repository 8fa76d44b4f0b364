import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GenericContainer, type StartedNetwork, Wait } from 'testcontainers';
import { type Addresses, renderClusters } from '../../tools/generate/envoy/clusters.ts';
import { ENVOY_IMAGE } from './images.ts';

const PORT = 8080;
const BOOTSTRAP = fileURLToPath(new URL('../../charts/realmkeep/files/envoy/bootstrap.yaml', import.meta.url));
const DESCRIPTOR = fileURLToPath(new URL('../../packages/proto/descriptor.binpb', import.meta.url));

/** Envoy with the chart's bootstrap, as a container. `folder` holds jwks.json, and gets the rest. */
export async function startIngress(network: StartedNetwork, folder: string, addresses: Addresses) {
  cpSync(BOOTSTRAP, join(folder, 'bootstrap.yaml'));
  cpSync(DESCRIPTOR, join(folder, 'descriptor.binpb'));
  writeFileSync(join(folder, 'cds.yaml'), renderClusters(addresses));
  const envoy = await new GenericContainer(ENVOY_IMAGE)
    .withNetwork(network)
    .withBindMounts([{ source: folder, target: '/etc/realmkeep', mode: 'ro' }])
    .withWorkingDir('/etc/realmkeep')
    .withCommand(['envoy', '--config-path', 'bootstrap.yaml', '--log-level', 'warning'])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  return { address: `http://127.0.0.1:${envoy.getMappedPort(PORT)}`, stop: () => envoy.stop() };
}
