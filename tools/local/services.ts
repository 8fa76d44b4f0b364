import type { Spawned } from '@realmkeep/testkit/parts/child';
import type { Database } from './databases.ts';
import type { KeyFiles } from './keys.ts';
import { partPort } from './port-plan.ts';
import { addressVariable, SERVICES, type ServiceName, type ServicePlan } from './service-names.ts';
import { createServiceProcess, type ServiceProcess } from './service-process.ts';
import type { State } from './state.ts';

export type ServiceProcesses = Record<ServiceName, [ServiceProcess, ...ServiceProcess[]]>;

/** Plans every process of every service: its ports and its whole environment. None is started yet. */
export async function planServices(options: {
  state: State;
  keys: KeyFiles;
  databases: Record<ServiceName, Database>;
  valkey: { addresses: string[]; password: string };
  /** How many processes a service has; default one. */
  replicas: Partial<Record<ServiceName, number>>;
  /** Whether the first process of each takes the service's documented ports. */
  fixedPorts: boolean;
  /** Settings for every service, which win over the local system's. */
  env: Record<string, string>;
  say: (line: string) => void;
  spawned: Spawned;
}): Promise<ServiceProcesses> {
  const { state, keys, databases, valkey, replicas, fixedPorts, say, spawned } = options;
  const placed: { service: ServicePlan; name: string; grpcPort: number; metricsPort: number }[] = [];
  for (const service of SERVICES) {
    for (let index = 0; index < (replicas[service.name] ?? 1); index += 1) {
      const name = index === 0 ? service.name : `${service.name}-${index + 1}`;
      const fixed = fixedPorts && index === 0;
      const grpcPort = await partPort(name, { state, wanted: fixed ? service.grpcPort : undefined, say });
      const metricsPort = await partPort(`${name} metrics`, {
        state,
        wanted: fixed ? service.metricsPort : undefined,
        say,
      });
      placed.push({ service, name, grpcPort, metricsPort });
    }
  }
  const addressOf = (name: ServiceName) => {
    const { grpcPort } = placed.find(({ service }) => service.name === name)!;
    return `127.0.0.1:${grpcPort}`;
  };
  const processes = placed.map(({ service, name, grpcPort, metricsPort }) =>
    createServiceProcess({
      service: service.name,
      name,
      grpcPort,
      metricsPort,
      logs: state.logs,
      spawned,
      env: {
        POSTGRES_URLS: databases[service.name].urls.join(','),
        REDIS_NODES: valkey.addresses.join(','),
        REDIS_PASSWORD: valkey.password,
        JWKS_FILE: keys.jwks,
        INTERNAL_JWKS_FILE: keys.internalJwks,
        INTERNAL_KEY_FILE: keys.internalKey,
        PAGE_TOKEN_KEY: state.secret(`page tokens of ${service.name}`, 32),
        ...Object.fromEntries(service.calls.map((called) => [addressVariable(called), addressOf(called)])),
        // With a second process to take over, Envoy is given the time to see that the first is going.
        DRAIN_DELAY_MS: (replicas[service.name] ?? 1) > 1 ? '3000' : '200',
        ...service.env,
        ...options.env,
      },
    }),
  );
  return Object.fromEntries(
    SERVICES.map(({ name }) => [name, processes.filter((_, index) => placed[index]!.service.name === name)]),
  ) as ServiceProcesses;
}
