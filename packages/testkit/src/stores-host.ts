import { randomBytes } from 'node:crypto';
import { chmodSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { killChildrenOnExit } from './parts/child.ts';
import { freePort } from './parts/ports.ts';
import { startPostgres } from './parts/postgres.ts';
import { postgresUser } from './parts/postgres-user.ts';
import { canEnter, ownFolder } from './parts/reachable.ts';
import { AlreadyRunningError, endOrphans, openRunFile } from './parts/run-file.ts';
import { startValkey } from './parts/valkey.ts';

/** Where the stores of a test run listen; what `stores()` answers in a test file. */
export type StoreAddresses = {
  /** As the superuser, to the database `postgres`. */
  primaryUrl: string;
  replicaUrls: string[];
  valkey: { nodes: string[]; password: string };
};

declare module 'vitest' {
  export interface ProvidedContext {
    /** GET answers the `StoreAddresses`, after starting the stores if this is the first time. */
    storesUrl: string;
  }
}

/**
 * Vitest's global set-up: one Postgres primary with two replicas and one Valkey cluster of three masters for the whole
 * run, without fsync. They start when the first test file asks, so a run of pure unit tests starts nothing.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  killChildrenOnExit();
  let started: ReturnType<typeof startStores> | undefined;
  const server = createServer((_request, response) => {
    started ??= startStores();
    started.then(
      ({ addresses }) => response.end(JSON.stringify(addresses)),
      (error: Error) => response.writeHead(500).end(error.stack),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('storesUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    server.closeAllConnections();
    await (await started?.catch(() => undefined))?.stop();
  };
}

const PREFIX = 'realmkeep-';

/**
 * Ends what test runs that were killed left behind, and removes their folders. The launcher's test kills its launcher
 * itself and starts it again, so its folders only look abandoned and are left alone.
 */
async function sweep(base: string, say: (line: string) => void): Promise<void> {
  for (const found of globSync(`${PREFIX}{stores,e2e,bench}-*/run.json`, { cwd: base })) {
    const file = join(base, found);
    if (statSync(file, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue;
    try {
      await endOrphans({ file, say });
      rmSync(dirname(file), { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof AlreadyRunningError)) throw error;
    }
  }
}

async function startStores(): Promise<{ addresses: StoreAddresses; stop: () => Promise<void> }> {
  const say = (line: string) => console.log(`[stores] ${line}`);
  const base = canEnter(postgresUser(), tmpdir()) ? tmpdir() : ownFolder();
  await sweep(base, say);
  const folder = mkdtempSync(join(base, `${PREFIX}stores-`));
  chmodSync(folder, 0o711);
  const runFile = await openRunFile({ file: join(folder, 'run.json'), say });
  const password = () => randomBytes(12).toString('hex');
  const port = () => freePort();
  const common = { logs: join(folder, 'logs'), say: () => undefined, spawned: runFile.record };
  const starts = await Promise.allSettled([
    startPostgres({
      ...common,
      folder: join(folder, 'postgres'),
      ports: [await port(), await port(), await port()],
      passwords: { superuser: password(), replicator: password() },
      fsync: false,
    }),
    startValkey({
      ...common,
      folder: join(folder, 'valkey'),
      ports: await Promise.all([1, 2, 3].map(async () => ({ client: await port(), bus: await port() }))),
      password: password(),
      appendonly: false,
    }),
  ]);
  const stop = async () => {
    await Promise.all(starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value.stop()] : [])));
    runFile.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const [postgres, valkey] = starts;
  if (postgres.status === 'rejected' || valkey.status === 'rejected') {
    await stop();
    throw postgres.status === 'rejected' ? postgres.reason : (valkey as PromiseRejectedResult).reason;
  }
  return {
    addresses: {
      primaryUrl: postgres.value.primaryUrl(),
      replicaUrls: postgres.value.replicaUrls(),
      valkey: { nodes: valkey.value.addresses, password: valkey.value.password },
    },
    stop,
  };
}
