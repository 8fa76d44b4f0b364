import { readPrivateKey } from '@realmkeep/kit/auth/key-format';
import { until } from '@realmkeep/testkit/parts/until';
import { signToken } from '@realmkeep/testkit/tokens';
import { SERVICES, type ServiceName } from '../../tools/local/service-names.ts';
import type { StagedProcess, StartedRealm } from '../e2e/stage.ts';
import { type Forward, forward } from './forward.ts';
import { podsOf, readyPodsOf, streamsOf } from './pods.ts';
import { NAME, type Release } from './release.ts';

/** A realm on a cluster. It is reached by the NodePort of Envoy's Service; `primary` names the writable Postgres. */
export async function realmOf(release: Release, primary: string): Promise<StartedRealm> {
  const key = readPrivateKey(await release.secret(`${NAME}-callers-keys`, 'private'));
  const open: Forward[] = [];
  const reach = async (target: string, port: number) => {
    const opened = await forward(release.namespace, target, port);
    open.push(opened);
    return opened.address;
  };

  const database = await reach(primary, 5432);
  const ownerUrls = new Map<ServiceName, string>();
  const services = {} as StartedRealm['services'];
  for (const { name, grpcPort } of SERVICES) {
    const url = new URL(await release.secret(`${NAME}-${name}-owner`, 'POSTGRES_OWNER_URL'));
    url.host = database;
    ownerUrls.set(name, url.href);
    const address = await reach(`deploy/${NAME}-${name}`, grpcPort);
    const process = name === 'player-state' ? onePod(release, name) : await allPods(release, name);
    services[name] = [{ address, kill: process.stop, ...process }];
  }
  return {
    address: await ingressAddress(release),
    token: (claims) => signToken(key, claims),
    services,
    ownerUrl: (service) => ownerUrls.get(service)!,
    stop: async () => {
      await Promise.all(open.map((each) => each.close()));
    },
  };
}

/** Where Envoy's Service is reached from outside of the cluster. */
async function ingressAddress(release: Release): Promise<string> {
  const service = await release.get<{ spec: { ports: { nodePort: number }[] } }>('service', `${NAME}-envoy`);
  const { items } = await release.get<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>(
    'nodes',
  );
  const node = items[0]!.status.addresses.find(({ type }) => type === 'InternalIP')!;
  return `http://${node.address}:${service.spec.ports[0]!.nodePort}`;
}

type Process = Pick<StagedProcess, 'stop' | 'start'>;

/** The pod with the most streams of a service that has several: another takes its place once it is told to go. */
function onePod(release: Release, name: ServiceName): Process {
  const deployment = `${NAME}-${name}`;
  return {
    stop: async () => {
      const pods = await readyPodsOf(release, name);
      const streams = await Promise.all(pods.map((pod) => streamsOf(release, pod)));
      const busiest = pods[streams.indexOf(Math.max(...streams))]!;
      await release.kubectl('delete', 'pod', busiest, '--timeout=90s');
    },
    start: async () => {
      await release.kubectl('rollout', 'status', 'deployment', deployment, '--timeout=180s');
    },
  };
}

/** The pods of a service together: stopped when none is left, and started when as many as before are ready. */
async function allPods(release: Release, name: ServiceName): Promise<Process> {
  const deployment = `${NAME}-${name}`;
  const { spec } = await release.get<{ spec: { replicas: number } }>('deployment', deployment);
  const scale = (replicas: number) => release.kubectl('scale', 'deployment', deployment, `--replicas=${replicas}`);
  return {
    stop: async () => {
      await scale(0);
      const gone = async () => (await podsOf(release, name)).length === 0;
      await until(gone, { what: `${name} to be gone`, within: 90_000, every: 500 });
    },
    start: async () => {
      await scale(spec.replicas);
      await release.kubectl('rollout', 'status', 'deployment', deployment, '--timeout=180s');
    },
  };
}
