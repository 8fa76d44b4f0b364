import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from 'testcontainers';
import { docker } from '../../tools/images/docker.ts';
import { isServing } from '../../tools/local/service-process.ts';
import type { StagedProcess } from '../e2e/stage.ts';

/**
 * A container that runs as nobody, without rights. Its root can be written to, which testcontainers has no word against; that
 * images write to none, pods of the chart show, where it is read-only.
 */
export function confined(image: string, network: StartedNetwork): GenericContainer {
  return new GenericContainer(image)
    .withNetwork(network)
    .withUser('65532:65532')
    .withDroppedCapabilities('ALL')
    .withSecurityOpt('no-new-privileges');
}

/** Runs the migrations of a service's image to their end. */
export async function migrateBy(image: string, network: StartedNetwork, ownerUrl: string): Promise<void> {
  const done = await confined(image, network)
    .withCommand(['dist/migrate.js'])
    .withEnvironment({ POSTGRES_OWNER_URL: ownerUrl })
    .withWaitStrategy(Wait.forOneShotStartup())
    .start();
  await done.stop();
}

/** A container of a service, which keeps its port on this machine when it is stopped and started again. */
export type ServiceContainer = StagedProcess & { remove(): Promise<unknown> };

/**
 * Starts a container of a service.
 *
 * @param name its name in the network, which several containers may share
 * @param keys the folder of the keys, mounted at /keys
 */
export async function startServiceContainer(options: {
  image: string;
  network: StartedNetwork;
  name: string;
  port: number;
  env: Record<string, string>;
  keys: string;
}): Promise<ServiceContainer> {
  const { image, network, name, port, env, keys } = options;
  const outer = await freePort();
  const container: StartedTestContainer = await confined(image, network)
    .withNetworkAliases(name)
    .withExposedPorts({ container: port, host: outer })
    .withEnvironment(env)
    .withBindMounts([{ source: keys, target: '/keys', mode: 'ro' }])
    .withWaitStrategy(Wait.forLogMessage('"msg":"serving"'))
    .start();
  const id = container.getId();
  const address = `127.0.0.1:${outer}`;
  return {
    address,
    kill: async () => void (await docker(['kill', id])),
    // Longer than a service takes to drain.
    stop: async () => void (await docker(['stop', '--time', '30', id])),
    start: async () => {
      await docker(['start', id]);
      await until(() => isServing(address), { what: `${name} to serve`, within: 30_000, every: 100 });
    },
    remove: () => container.stop(),
  };
}
