import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { type Addresses, renderClusters } from '../generate/envoy/clusters.ts';

const CHART = fileURLToPath(new URL('../../charts/realmkeep/files/envoy/', import.meta.url));
const DESCRIPTOR = fileURLToPath(new URL('../../packages/proto/descriptor.binpb', import.meta.url));

type SocketAddress = { address: { socket_address: { address: string; port_value: number } } };
type Bootstrap = { admin: SocketAddress; static_resources: { listeners: [SocketAddress, ...SocketAddress[]] } };

/**
 * Fills Envoy's folder: the chart's bootstrap, which listens on this machine alone, the contract, the callers' public
 * keys, and the clusters with local addresses.
 */
export function writeIngressFiles(options: {
  folder: string;
  port: number;
  adminPort: number;
  jwks: string;
  addresses: Addresses;
}): void {
  const { folder, port, adminPort, jwks, addresses } = options;
  const bootstrapFile = join(CHART, 'bootstrap.yaml');
  for (const file of [bootstrapFile, DESCRIPTOR]) {
    if (!existsSync(file)) throw new Error(`${file} is missing. Mend it: npm run generate`);
  }
  mkdirSync(folder, { recursive: true });
  const bootstrap = parse(readFileSync(bootstrapFile, 'utf8')) as Bootstrap;
  bootstrap.static_resources.listeners[0].address.socket_address = { address: '127.0.0.1', port_value: port };
  bootstrap.admin.address.socket_address = { address: '127.0.0.1', port_value: adminPort };
  replace(join(folder, 'bootstrap.yaml'), stringify(bootstrap, { lineWidth: 0, aliasDuplicateObjects: false }));
  replace(join(folder, 'cds.yaml'), renderClusters(addresses));
  copyFileSync(DESCRIPTOR, join(folder, 'descriptor.binpb'));
  copyFileSync(jwks, join(folder, 'jwks.json'));
}

/** By a rename, which is what Envoy watches for. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
