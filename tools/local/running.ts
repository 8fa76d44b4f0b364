import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from './databases.ts';
import type { ServiceName } from './service-names.ts';
import { writePrivate } from './state.ts';

/** The state folder of the local system: .realmkeep in the checkout, unless REALMKEEP_STATE names another. */
export const STATE_FOLDER = resolve(
  process.env.REALMKEEP_STATE || fileURLToPath(new URL('../../.realmkeep', import.meta.url)),
);

/** Where everything of a running realm is reached, passwords included: for the tools that go past the ingress. */
export type RunningRealm = {
  /** The ingress: http://127.0.0.1:8080. */
  address: string;
  services: Record<ServiceName, { grpc: string[]; metrics: string[] }>;
  databases: Record<ServiceName, Database>;
  /** As the superuser, to the database `postgres`. */
  postgres: { primaryUrl: string; replicaUrls: string[] };
  valkey: { nodes: string[]; password: string };
};

/** Reads where the realm of that state folder is reached. An Error when none runs. */
export function readRunningRealm(stateFolder: string = STATE_FOLDER): RunningRealm {
  const file = runningFile(stateFolder);
  if (!existsSync(file)) throw new Error(`no realm runs here (there is no ${file}): "npm start" starts it`);
  return JSON.parse(readFileSync(file, 'utf8')) as RunningRealm;
}

export function writeRunningRealm(stateFolder: string, realm: RunningRealm): void {
  writePrivate(runningFile(stateFolder), JSON.stringify(realm, undefined, 2));
}

export function forgetRunningRealm(stateFolder: string): void {
  rmSync(runningFile(stateFolder), { force: true });
}

function runningFile(stateFolder: string): string {
  return join(stateFolder, 'addresses.json');
}
