import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Spawned, startChild } from '@realmkeep/testkit/parts/child';
import { createPart, type Part } from '@realmkeep/testkit/parts/part';
import { PORTAL } from '../generate/envoy/portal.ts';
import { partPort } from './port-plan.ts';
import type { State } from './state.ts';

export type PortalProcess = Part & {
  /** host:port of its pages. */
  readonly address: string;
};

/** Plans the process that serves the pages, run from its source. It is not started yet. */
export async function planPortal(options: {
  state: State;
  /** Settings that win over the local system's. */
  env: Record<string, string>;
  say: (line: string) => void;
  spawned: Spawned;
}): Promise<PortalProcess> {
  const { state, env, say, spawned } = options;
  const folder = fileURLToPath(new URL(`../../services/${PORTAL}`, import.meta.url));
  const port = await partPort(PORTAL, { state, say });
  const metricsPort = await partPort(`${PORTAL} metrics`, { state, say });
  const address = `127.0.0.1:${port}`;
  const part = createPart({
    name: PORTAL,
    launch: (signal) =>
      startChild({
        name: PORTAL,
        command: process.execPath,
        args: [join(folder, 'src', 'main.ts')],
        cwd: folder,
        env: {
          ...process.env,
          HOST: '127.0.0.1',
          HTTP_PORT: String(port),
          METRICS_PORT: String(metricsPort),
          DRAIN_DELAY_MS: '200',
          ...env,
        },
        log: join(state.logs, `${PORTAL}.log`),
        ready: async () => (await fetch(`http://${address}/healthz`, { headers: { connection: 'close' } })).ok,
        readyWithin: 60_000,
        // Longer than it takes to drain, so that no running request is cut off.
        stopWithin: 25_000,
        spawned,
        signal,
      }),
  });
  return Object.assign(part, { address });
}
