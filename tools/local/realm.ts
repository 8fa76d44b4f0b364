import { join } from 'node:path';
import { untilReplicated } from '@realmkeep/testkit/parts/database';
import { createEnvoy, envoyBinary } from '@realmkeep/testkit/parts/envoy';
import type { Part } from '@realmkeep/testkit/parts/part';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { openRunFile } from '@realmkeep/testkit/parts/run-file';
import type { TokenClaims } from '@realmkeep/testkit/tokens';
import { PORTAL } from '../generate/envoy/portal.ts';
import { type Database, openDatabase } from './databases.ts';
import { writeIngressFiles } from './ingress.ts';
import { callerToken, ensureKeys } from './keys.ts';
import { ingressPort, partPort } from './port-plan.ts';
import { planPortal } from './portal.ts';
import { untilServed } from './readiness.ts';
import { forgetRunningRealm, writeRunningRealm } from './running.ts';
import { SERVICES, type ServiceName } from './service-names.ts';
import { planServices, type ServiceProcesses } from './services.ts';
import { openState } from './state.ts';
import { type Stores, startStores } from './stores.ts';

/** A whole running system: stores, services, portal, ingress. */
export type Realm = {
  /** Where callers find it: http://127.0.0.1:8080. */
  address: string;
  port: number;
  stores: Stores;
  databases: Record<ServiceName, Database>;
  /** The processes of each service; each can be killed, stopped and started again. */
  services: ServiceProcesses;
  portal: Part;
  envoy: Part;
  /** Every part, in the order they were started. */
  parts: Part[];
  /** A caller's token, signed with the realm's key. */
  token(claims: TokenClaims): Promise<string>;
  /** Ends the ingress, then the services (each drains), then the stores. */
  stop(): Promise<void>;
};

export type RealmOptions = {
  /** The state folder: keys, secrets, data and logs. The same folder gives the same realm again. */
  folder: string;
  /** The ingress port, which must be free; default: any free one. */
  port?: number;
  /** Whether services take their documented ports when these are free; default: any free ones. */
  fixedPorts?: boolean;
  /** How many processes a service has; default one. */
  replicas?: Partial<Record<ServiceName, number>>;
  /** False loses data when the machine dies: for tests. Default true. */
  fsync?: boolean;
  /** Settings for every service, which win over the local system's. */
  env?: Record<string, string>;
  /** Settings of every Postgres node, likewise. */
  postgres?: Record<string, string>;
  /** Told each step and everything unusual, a line at a time. */
  say?: (line: string) => void;
  /** Ends the start: everything that was started is stopped. */
  signal?: AbortSignal;
};

/**
 * Starts a realm with real parts and resolves once it answers through its ingress. Stops everything when it fails. Ends
 * first what a killed launcher of the same folder left behind; AlreadyRunningError while that launcher is alive.
 */
export async function startRealm(options: RealmOptions): Promise<Realm> {
  const { folder, fixedPorts = false, replicas = {}, fsync = true, env = {}, postgres: settings = {} } = options;
  const { say = () => undefined, signal } = options;
  const stops: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    forgetRunningRealm(folder);
    for (const each of stops.toReversed()) await each();
  };
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  const abort = () => void stop();
  const state = openState(folder);
  const runFile = await openRunFile({ file: join(folder, 'run.json'), say });
  stops.push(async () => runFile.close());
  const spawned = runFile.record;
  try {
    const port = options.port === undefined ? await freePort() : await ingressPort(options.port);
    const keys = await ensureKeys(folder);
    const installedEnvoy = envoyBinary(say);
    installedEnvoy.catch(() => undefined);

    const stores = await startStores({ state, fsync, settings, say, spawned });
    stops.push(stores.stop);
    say('Postgres (a primary, two replicas) and Valkey (three masters) serve');
    signal?.throwIfAborted();

    const databases = {} as Record<ServiceName, Database>;
    for (const service of SERVICES) {
      databases[service.name] = await openDatabase({ cluster: stores.postgres, service, secret: state.secret });
    }
    await untilReplicated(stores.postgres.primaryUrl(), stores.postgres.replicaUrls());
    say('the databases are migrated');
    signal?.throwIfAborted();

    const services = await planServices({
      state,
      keys,
      databases,
      valkey: stores.valkey,
      replicas,
      fixedPorts,
      env,
      say,
      spawned,
    });
    const processes = Object.values(services).flat();
    const portal = await planPortal({ state, env, say, spawned });
    const served = [...processes, portal];
    stops.push(() => Promise.all(served.map((process) => process.stop())));
    signal?.addEventListener('abort', abort, { once: true });
    await Promise.all(served.map((process) => process.start()));
    say(`the services serve: ${served.map(({ name, address }) => `${name} ${address}`).join(', ')}`);
    signal?.throwIfAborted();

    const ingress = join(folder, 'envoy');
    const addresses = Object.fromEntries([
      ...SERVICES.map(({ name }) => [name, services[name].map(({ address }) => hostAndPort(address))]),
      [PORTAL, [hostAndPort(portal.address)]],
    ]);
    const adminPort = await partPort('envoy admin', { state, say });
    writeIngressFiles({ folder: ingress, port, adminPort, jwks: keys.jwks, addresses });
    const envoy = createEnvoy({ binary: await installedEnvoy, folder: ingress, logs: state.logs, port, spawned });
    stops.push(envoy.stop);
    await envoy.start();
    const address = `http://127.0.0.1:${port}`;
    const token = (claims: TokenClaims) => callerToken(folder, claims);
    await untilServed({ address, token: await token({ role: 'server', subject: 'launcher' }), signal });

    const { postgres, valkey } = stores;
    writeRunningRealm(folder, {
      address,
      services: Object.fromEntries(
        SERVICES.map(({ name }) => [
          name,
          {
            grpc: services[name].map((each) => each.address),
            metrics: services[name].map((each) => each.metricsAddress),
          },
        ]),
      ) as Record<ServiceName, { grpc: string[]; metrics: string[] }>,
      databases,
      postgres: { primaryUrl: postgres.primaryUrl(), replicaUrls: postgres.replicaUrls() },
      valkey: { nodes: valkey.addresses, password: valkey.password },
    });
    const parts = [postgres.primary, ...postgres.replicas, ...valkey.nodes, ...served, envoy];
    return { address, port, stores, databases, services, portal, envoy, parts, token, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function hostAndPort(address: string): { host: string; port: number } {
  const [host, port] = address.split(':') as [string, string];
  return { host, port: Number(port) };
}
