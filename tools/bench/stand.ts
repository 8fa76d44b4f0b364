import type { Realm } from '../local/realm.ts';
import type { ServiceProcess } from '../local/service-process.ts';
import type { EchoOrder } from './echo-process.ts';
import { startBenchRealm } from './realm.ts';
import { sampleAnswers, typicalAnswer } from './sample.ts';
import { flushValkey, playerIds } from './stores.ts';
import { startWorker } from './worker.ts';

/** Where a server is, and its process. */
export type Server = { address: string; pid: number };

/** A bare server that hands over ready bytes of a typical answer, of that size. */
export type Echo = Server & { payloadBytes: number };

/** What the rows of player-state are measured on: a seeded realm with two processes of the service, past the ingress. */
export type Stand = {
  realm: Realm;
  folder: string;
  playerIds: string[];
  token: string;
  /** The process as it is installed. */
  service: Server;
  /** The second process, started again with settings that are absent from an installation. */
  second(settings: Record<string, string>): Promise<Server>;
  /** Starts the process that `service` is again, with empty caches everywhere. */
  empty(): Promise<Server>;
  /** Empties Valkey alone. */
  flush(): Promise<void>;
  /** Answers like the server at `address`, by default `service`. */
  echo(options: {
    path: string;
    requests: Uint8Array[];
    mark?: Record<string, string>;
    address?: string;
  }): Promise<Echo>;
  end(): Promise<void>;
};

export async function openStand({ players, say }: { players: number; say: (line: string) => void }): Promise<Stand> {
  const { realm, folder, end } = await startBenchRealm({
    service: 'player-state',
    processes: 2,
    players,
    seed: 1,
    say,
  });
  const echoes: (() => void)[] = [];
  const [first, other] = realm.services['player-state'] as [ServiceProcess, ServiceProcess];
  const endAll = async () => {
    for (const stop of echoes) stop();
    await end();
  };
  try {
    // Half of what is measured would be the other process's share of the machine.
    await other.stop();
    const token = await realm.token({ role: 'server', subject: 'bench' });
    const ids = await playerIds(realm.databases['player-state'].ownerUrl);
    const flush = () => flushValkey(realm.stores.valkey);
    return {
      realm,
      folder,
      playerIds: ids,
      token,
      get service() {
        return serverOf(first);
      },
      second: async (settings) => {
        await other.stop();
        await withEnvironment(settings, () => other.start());
        return serverOf(other);
      },
      empty: async () => {
        await first.stop();
        await flush();
        await first.start();
        return serverOf(first);
      },
      flush,
      echo: async ({ path, requests, mark, address: sampled = first.address }) => {
        const answers = await sampleAnswers({ address: sampled, path, token, requests });
        const { bytes, headers } = typicalAnswer(answers);
        const order: EchoOrder = { path, answer: bytes, headers: { ...headers, ...mark } };
        const worker = await startWorker<{ port: number }>('echo-process.ts', order);
        echoes.push(() => worker.process.connected && worker.process.disconnect());
        const address = `127.0.0.1:${worker.answer.port}`;
        return { address, pid: worker.process.pid!, payloadBytes: bytes.length };
      },
      end: endAll,
    };
  } catch (error) {
    await endAll();
    throw error;
  }
}

/** Where a started process is. */
export function serverOf({ address, pid }: ServiceProcess): Server {
  return { address, pid: pid! };
}

/** A service's process takes over this process's environment when it is launched. */
export async function withEnvironment(settings: Record<string, string>, act: () => Promise<void>): Promise<void> {
  Object.assign(process.env, settings);
  try {
    await act();
  } finally {
    for (const name of Object.keys(settings)) delete process.env[name];
  }
}
