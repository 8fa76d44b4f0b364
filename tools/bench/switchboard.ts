import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@realmkeep/testkit/parts/until';
import { type Addresses, renderClusters } from '../generate/envoy/clusters.ts';
import { SERVICES, type ServiceName } from '../local/service-names.ts';
import { sampleAnswers } from './sample.ts';
import type { Echo, Server, Stand } from './stand.ts';

/** The answer's header by which the echo is told from the service. */
export const MARK = { 'realmkeep-bench': 'echo' };

/** The realm's Envoy while its route to one service is switched between the service and the echo. */
export type Switchboard = {
  /** host:port that clients call. */
  address: string;
  toService(): Promise<void>;
  toEcho(): Promise<void>;
  /** The most requests that Envoy had in work while `act` ran, by its own gauge 40 times a second, with what `act` answers. */
  watching<T>(act: () => Promise<T>): Promise<{ answer: T; active: number }>;
};

/** For a running Envoy. `probe` is a call that either side answers. */
export function createSwitchboard({
  stand,
  service,
  server,
  echo,
  probe,
}: {
  stand: Stand;
  service: ServiceName;
  /** The service's process as it is now. */
  server: () => Server;
  echo: Echo;
  probe: { path: string; request: Uint8Array };
}): Switchboard {
  const { realm, folder, token } = stand;
  const address = `127.0.0.1:${realm.port}`;
  const clusters = join(folder, 'envoy', 'cds.yaml');
  const ports = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8')) as Record<string, number>;
  const gauge = `http://127.0.0.1:${ports['envoy admin']}/stats?filter=^http.ingress.downstream_rq_active$`;

  const answeredByEcho = async () => {
    const [answer] = await sampleAnswers({ address, path: probe.path, token, requests: [probe.request] });
    return answer!.headers['realmkeep-bench'] === 'echo';
  };
  const route = async (to: string, wanted: boolean) => {
    const addresses: Addresses = Object.fromEntries(
      SERVICES.map(({ name }) => [name, [name === service ? to : realm.services[name][0].address].map(split)]),
    );
    writeFileSync(`${clusters}.new`, renderClusters(addresses));
    renameSync(`${clusters}.new`, clusters);
    // Health is checked before the first call: many answers on end from the right side are the sign of it.
    await until(
      async () => {
        for (let times = 0; times < 5; times += 1) if ((await answeredByEcho()) !== wanted) return false;
        return true;
      },
      { what: `Envoy's switch to ${wanted ? 'the echo' : 'the service'}`, within: 30_000 },
    );
  };
  return {
    address,
    toService: () => route(server().address, false),
    toEcho: () => route(echo.address, true),
    watching: async (act) => {
      let active = 0;
      let watching = true;
      const watch = async () => {
        while (watching) {
          const text = await fetch(gauge).then(
            (response) => response.text(),
            () => '',
          );
          active = Math.max(active, Number(/: (\d+)/.exec(text)?.[1] ?? 0));
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
      };
      const watched = watch();
      try {
        const answer = await act();
        return { answer, active };
      } finally {
        watching = false;
        await watched;
      }
    },
  };
}

function split(address: string): { host: string; port: number } {
  const [host, port] = address.split(':') as [string, string];
  return { host, port: Number(port) };
}
