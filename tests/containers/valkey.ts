import { until } from '@realmkeep/testkit/parts/until';
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { VALKEY_IMAGE } from './images.ts';

const PASSWORD = 'valkey';

/** A cluster of three masters, which announce themselves by their names in the network. */
export async function startValkey(network: StartedNetwork) {
  const names = ['valkey-0', 'valkey-1', 'valkey-2'];
  const nodes = await Promise.all(names.map((name) => startNode(network, name)));
  const run = async (args: string[]) => (await nodes[0]!.exec(['valkey-cli', '-a', PASSWORD, ...args])).stdout;
  const addresses = nodes.map((node) => `${node.getIpAddress(network.getName())}:6379`);
  await run(['--cluster', 'create', ...addresses, '--cluster-yes']);
  const whole = async () => (await run(['cluster', 'info'])).includes('cluster_state:ok');
  await until(whole, { what: 'the Valkey cluster', within: 30_000, every: 200 });
  return {
    nodes: names.map((name) => `${name}:6379`),
    password: PASSWORD,
    stop: () => Promise.all(nodes.map((node) => node.stop())),
  };
}

function startNode(network: StartedNetwork, name: string): Promise<StartedTestContainer> {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-announce-hostname': name,
    'cluster-preferred-endpoint-type': 'hostname',
    'cluster-node-timeout': '2000',
    'maxmemory-policy': 'volatile-lru',
    requirepass: PASSWORD,
    masterauth: PASSWORD,
  };
  return new GenericContainer(VALKEY_IMAGE)
    .withNetwork(network)
    .withNetworkAliases(name)
    .withCommand(['valkey-server', ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value])])
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start();
}
