import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { createCertificate } from '@realmkeep/testkit/certificate';
import { createEnvoy, envoyBinary } from '@realmkeep/testkit/parts/envoy';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { parse, stringify } from 'yaml';
import { renderChart } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

type SocketAddress = { address: { socket_address: { address: string; port_value: number } } };
type Endpoints = { load_assignment: { endpoints: { lb_endpoints: { endpoint: SocketAddress }[] }[] } };
type Bootstrap = {
  admin: SocketAddress;
  static_resources: { listeners: SocketAddress[]; clusters: Endpoints[] };
};
type Clusters = { resources: (Endpoints & { name: string })[] };

/** An Envoy with the configuration that its pod would have. */
export type RunningEnvoy = {
  /** Where callers would come in, by TLS. */
  url: string;
  certificate: string;
  /** What the cluster asks. */
  statusUrl: string;
  adminUrl: string;
  /** Changes the certificate as a volume of a Secret does, and answers the new one. */
  renew(): Promise<string>;
  stop(): Promise<void>;
};

/** The files of a ConfigMap of Envoy, rendered with these values. */
export async function envoyFiles(set: string[]): Promise<Record<string, string>> {
  const { status, output } = await renderChart({ root, stores: 'external', set });
  if (status !== 0) throw new Error(output);
  const isTheirs = ({ kind, metadata }: { kind: string; metadata: { name: string } }) =>
    kind === 'ConfigMap' && metadata.name === 'realmkeep-envoy';
  return manifestsOf(output).find(isTheirs)!.data!;
}

/**
 * Starts Envoy with what the chart renders for TLS and keys of a provider that has a certificate of a private authority.
 * Only its ports are others, and every service is at `upstream` of this machine.
 */
export async function startRenderedEnvoy({
  upstream,
  keys,
}: {
  upstream: number;
  keys: { uri: string; authority: string };
}): Promise<RunningEnvoy> {
  const callers = 'global.auth.callers';
  const remote = [
    `${callers}.source=remote`,
    `${callers}.remote.uri=${keys.uri}`,
    `${callers}.remote.ca.secretName=authority`,
  ];
  const files = await envoyFiles(['envoy.tls.enabled=true', ...remote]);
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-envoy-'));
  const [port, statusPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const here = ({ address }: SocketAddress, portHere: number) => {
    address.socket_address = { address: '127.0.0.1', port_value: portHere };
  };
  const addressesOf = (clusters: Endpoints[]) =>
    clusters.flatMap(({ load_assignment }) =>
      load_assignment.endpoints.flatMap(({ lb_endpoints }) => lb_endpoints.map(({ endpoint }) => endpoint)),
    );

  const secrets = join(folder, 'tls');
  const bootstrap = parse(files['bootstrap.yaml']!) as Bootstrap;
  const [ingress, status] = bootstrap.static_resources.listeners as [SocketAddress, SocketAddress];
  here(ingress, port);
  here(status, statusPort);
  here(bootstrap.admin, adminPort);
  for (const endpoint of addressesOf(bootstrap.static_resources.clusters)) here(endpoint, adminPort);
  const clusters = parse(files['cds.yaml']!.replaceAll('/etc/realmkeep/keys-ca', secrets)) as Clusters;
  const services = clusters.resources.filter(({ name }) => name !== 'callers-keys' && name !== 'portal');
  for (const endpoint of addressesOf(services)) here(endpoint, upstream);

  mkdirSync(secrets);
  writeFileSync(join(folder, 'certificate.yaml'), files['certificate.yaml']!.replaceAll('/etc/envoy-tls', secrets));
  const certificate = await putCertificate(secrets, 1);
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(secrets, file));
  writeFileSync(join(secrets, 'ca.crt'), keys.authority);
  writeFileSync(join(folder, 'bootstrap.yaml'), stringify(bootstrap, { aliasDuplicateObjects: false }));
  writeFileSync(join(folder, 'cds.yaml'), stringify(clusters, { aliasDuplicateObjects: false }));
  copyFileSync(descriptorSetPath, join(folder, 'descriptor.binpb'));
  const envoy = createEnvoy({ binary: await envoyBinary(() => undefined), folder, logs: folder, port });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await envoy.start();
  const healthy = async () => {
    const told = await (await fetch(`${adminUrl}/clusters`)).text();
    return services.every(({ name }) => told.includes(`${name}::127.0.0.1:${upstream}::health_flags::healthy`));
  };
  await until(healthy, { what: 'Envoy to find its upstreams healthy' });
  return {
    url: `https://localhost:${port}`,
    certificate,
    statusUrl: `http://127.0.0.1:${statusPort}`,
    adminUrl,
    renew: () => putCertificate(secrets, 2),
    stop: async () => {
      await envoy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Puts a new certificate for localhost where a volume would: a folder of its own, to which `..data` then points at once. */
async function putCertificate(volume: string, revision: number): Promise<string> {
  const { certificate, privateKey } = await createCertificate('localhost');
  const folder = `..${revision}`;
  mkdirSync(join(volume, folder));
  writeFileSync(join(volume, folder, 'tls.crt'), certificate);
  writeFileSync(join(volume, folder, 'tls.key'), privateKey);
  symlinkSync(folder, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  return certificate;
}
