import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestTokens } from '@realmkeep/testkit/tokens';
import { Network } from 'testcontainers';
import { PORTAL } from '../../tools/generate/envoy/portal.ts';
import { untilServed } from '../../tools/local/readiness.ts';
import { addressVariable, SERVICES, type ServiceName } from '../../tools/local/service-names.ts';
import { STATS_TTL_MS, type StartedRealm } from '../e2e/stage.ts';
import { serviceImage } from './images.ts';
import { startIngress } from './ingress.ts';
import { startPostgres } from './postgres.ts';
import { confined, migrateBy, type ServiceContainer, startServiceContainer } from './service.ts';
import { startValkey } from './valkey.ts';

const PORTAL_PORT = 8081;
const REPLICAS: Partial<Record<ServiceName, number>> = { 'player-state': 2 };

/** A whole realm of containers on a network of its own, with two of player-state. */
export async function startContainers(): Promise<StartedRealm> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const network = await new Network().start();
    stops.push(() => network.stop());
    const { folder, tokens } = await writeKeys();
    stops.push(async () => rmSync(folder, { recursive: true }));
    const [postgres, valkey] = await Promise.all([startPostgres(network), startValkey(network)]);
    stops.push(() => Promise.all([postgres.stop(), valkey.stop()]));

    const ownerUrls = new Map<ServiceName, string>();
    const shared = {
      METRICS_PORT: '9464',
      REDIS_NODES: valkey.nodes.join(','),
      REDIS_PASSWORD: valkey.password,
      JWKS_FILE: '/keys/jwks.json',
      INTERNAL_JWKS_FILE: '/keys/internal.jwks.json',
      INTERNAL_KEY_FILE: '/keys/internal.json',
      PAGE_TOKEN_KEY: 'ab'.repeat(32),
      AREA_STATS_TTL_SECONDS: String(STATS_TTL_MS / 1_000),
      LOG_LEVEL: 'info',
      ...Object.fromEntries(SERVICES.map(({ name, grpcPort }) => [addressVariable(name), `${name}:${grpcPort}`])),
    };
    const services = {} as Record<ServiceName, [ServiceContainer, ...ServiceContainer[]]>;
    for (const service of SERVICES) {
      const { name, grpcPort: port } = service;
      const [image, database] = [await serviceImage(name), await postgres.open(service)];
      ownerUrls.set(name, database.ownerUrl);
      await migrateBy(image, network, database.innerOwnerUrl);
      const env = { ...shared, GRPC_PORT: String(port), POSTGRES_URLS: database.urls.join(',') };
      const started = [];
      for (let index = 0; index < (REPLICAS[name] ?? 1); index += 1) {
        const process = await startServiceContainer({ image, network, name, port, env, keys: folder });
        stops.push(process.remove);
        started.push(process);
      }
      services[name] = started as [ServiceContainer, ...ServiceContainer[]];
    }
    const portal = await confined(await serviceImage(PORTAL), network)
      .withNetworkAliases(PORTAL)
      .withEnvironment({ HTTP_PORT: String(PORTAL_PORT), METRICS_PORT: '9464' })
      .start();
    stops.push(() => portal.stop());

    const addresses = {
      ...Object.fromEntries(SERVICES.map(({ name, grpcPort }) => [name, [{ host: name, port: grpcPort }]])),
      [PORTAL]: [{ host: PORTAL, port: PORTAL_PORT }],
    };
    const { address, stop: stopIngress } = await startIngress(network, folder, addresses);
    stops.push(stopIngress);
    const token = await tokens.token({ role: 'server', subject: 'test' });
    await untilServed({ address, token, signal: undefined });
    return { address, services, token: tokens.token, ownerUrl: (service) => ownerUrls.get(service)!, stop };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

/** Keys in a folder that the containers' user can read. */
async function writeKeys() {
  const tokens = await createTestTokens();
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-containers-'));
  chmodSync(folder, 0o755);
  const files = {
    'jwks.json': tokens.callers.jwks,
    'internal.jwks.json': tokens.internal.jwks,
    'internal.json': tokens.internal.privateKey,
  };
  for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(value));
  return { folder, tokens };
}
