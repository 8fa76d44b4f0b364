import { ensureDatabase } from '@realmkeep/testkit/parts/database';
import { GenericContainer, type StartedNetwork, Wait } from 'testcontainers';
import type { ServicePlan } from '../../tools/local/service-names.ts';
import { POSTGRES_IMAGE } from './images.ts';

const PORT = 5432;
const PASSWORD = 'superuser';
const NODES = ['postgres-0', 'postgres-1'] as const;

/** How a service's database is reached: from within the network, and as its owner from here. */
export type ContainerDatabase = { urls: string[]; innerOwnerUrl: string; ownerUrl: string };

/** A primary and a replica that streams from it. */
export async function startPostgres(network: StartedNetwork) {
  const [name, follower] = NODES;
  const primary = await new GenericContainer(POSTGRES_IMAGE)
    .withNetwork(network)
    .withNetworkAliases(name)
    .withEnvironment({ POSTGRES_PASSWORD: PASSWORD })
    .withCopyContentToContainer([
      {
        content: 'echo "host replication all all scram-sha-256" >> "$PGDATA/pg_hba.conf"\n',
        target: '/docker-entrypoint-initdb.d/replication.sh',
        mode: 0o755,
      },
    ])
    .withCommand([
      'postgres',
      '-c',
      'max_connections=300',
      '-c',
      'fsync=off',
      '-c',
      'wal_retrieve_retry_interval=200ms',
    ])
    .withExposedPorts(PORT)
    // The first time it says so it is only there for its own set-up.
    .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2))
    .start();
  const seed = `pg_basebackup --host=${name} --username=postgres --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream`;
  const replica = await new GenericContainer(POSTGRES_IMAGE)
    .withNetwork(network)
    .withNetworkAliases(follower)
    .withUser('postgres')
    .withEnvironment({ PGPASSWORD: PASSWORD })
    .withEntrypoint([
      'sh',
      '-c',
      `${seed} && chmod 700 "$PGDATA" && exec postgres -c max_connections=300 -c hot_standby_feedback=on`,
    ])
    .withWaitStrategy(Wait.forLogMessage('ready to accept read-only connections'))
    .start();

  const outer = `${primary.getHost()}:${primary.getMappedPort(PORT)}`;
  const url = (user: string, host: string, database: string) => `postgres://${user}:${user}@${host}/${database}`;
  return {
    /** Makes the database and the roles of a service. */
    async open({ database }: Pick<ServicePlan, 'database'>): Promise<ContainerDatabase> {
      const [owner, runtime] = [`${database}_owner`, database];
      const cluster = { primaryUrl: () => `postgres://postgres:${PASSWORD}@${outer}/postgres` };
      const role = (of: string) => ({ name: of, password: of });
      await ensureDatabase({ cluster, database, owner: role(owner), runtime: role(runtime) });
      return {
        urls: NODES.map((node) => url(runtime, `${node}:${PORT}`, database)),
        innerOwnerUrl: url(owner, `${name}:${PORT}`, database),
        ownerUrl: url(owner, outer, database),
      };
    },
    stop: () => Promise.all([replica.stop(), primary.stop()]),
  };
}
