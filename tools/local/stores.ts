import { join } from 'node:path';
import type { Spawned } from '@realmkeep/testkit/parts/child';
import { type PostgresCluster, startPostgres } from '@realmkeep/testkit/parts/postgres';
import { postgresUser } from '@realmkeep/testkit/parts/postgres-user';
import { dataFolder } from '@realmkeep/testkit/parts/reachable';
import { startValkey, type ValkeyCluster } from '@realmkeep/testkit/parts/valkey';
import { partPort } from './port-plan.ts';
import type { State } from './state.ts';

export type Stores = { postgres: PostgresCluster; valkey: ValkeyCluster; stop(): Promise<void> };

/** Starts a Postgres primary with two replicas, and a Valkey cluster of three masters, side by side. */
export async function startStores(options: {
  state: State;
  fsync: boolean;
  settings: Record<string, string>;
  say: (line: string) => void;
  spawned: Spawned;
}): Promise<Stores> {
  const { state, fsync, settings, say, spawned } = options;
  const port = (part: string) => partPort(part, { state, say });
  const common = { logs: state.logs, say, spawned };
  const data = dataFolder({ state: state.folder, user: postgresUser(), say });
  const postgres = startPostgres({
    ...common,
    folder: join(data, 'postgres'),
    ports: [await port('postgres primary'), await port('postgres replica 1'), await port('postgres replica 2')],
    passwords: { superuser: state.secret('postgres superuser'), replicator: state.secret('postgres replicator') },
    fsync,
    settings,
  });
  const valkey = valkeyPorts(port).then((ports) =>
    startValkey({
      ...common,
      folder: join(state.folder, 'valkey'),
      ports,
      password: state.secret('valkey'),
      appendonly: true,
    }),
  );
  // Both are awaited whatever becomes of either, so that nothing starts on after a failure.
  const [first, second] = await Promise.allSettled([postgres, valkey]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') {
    const stop = async () => {
      await Promise.all([first.value.stop(), second.value.stop()]);
    };
    return { postgres: first.value, valkey: second.value, stop };
  }
  for (const start of [first, second]) if (start.status === 'fulfilled') await start.value.stop();
  throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
}

async function valkeyPorts(port: (part: string) => Promise<number>): Promise<{ client: number; bus: number }[]> {
  const ports: { client: number; bus: number }[] = [];
  for (const node of [1, 2, 3]) {
    ports.push({ client: await port(`valkey ${node}`), bus: await port(`valkey ${node} bus`) });
  }
  return ports;
}
