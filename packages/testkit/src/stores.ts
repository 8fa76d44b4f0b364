import { randomBytes } from 'node:crypto';
import { migrate } from '@realmkeep/kit/postgres/migrate';
import { inject } from 'vitest';
import { ensureDatabase, untilReplicated } from './parts/database.ts';
import { withClient } from './parts/postgres-replica.ts';
import type { StoreAddresses } from './stores-host.ts';

let addresses: Promise<StoreAddresses> | undefined;

/** The real stores of this test run: one Postgres primary with two replicas, one Valkey cluster of three masters. */
export function stores(): Promise<StoreAddresses> {
  addresses ??= ask();
  return addresses;
}

async function ask(): Promise<StoreAddresses> {
  // Closed after the answer, so that no idle connection of this call stays open in the test file.
  const response = await fetch(inject('storesUrl'), { headers: { connection: 'close' } });
  if (!response.ok) throw new Error(`the stores could not be started: ${await response.text()}`);
  return (await response.json()) as StoreAddresses;
}

export type TestDatabase = {
  /** As the runtime role, on the primary. */
  primaryUrl: string;
  /** As the runtime role, on each replica. */
  replicaUrls: string[];
  /** As the role that owns the tables, on the primary. */
  ownerUrl: string;
  /** Resolves once the replicas have replayed what the primary has written by now. */
  replicated(): Promise<void>;
  /** Ends every session of the database and removes it with its roles. */
  drop(): Promise<void>;
};

/**
 * A database of its own for one test file, with an owner and a runtime role like a service's, migrated and replicated.
 *
 * @param options.migrations the folder of SQL migrations to apply; none when left out.
 * @param options.name how the names of the database and of its roles begin; default "test".
 */
export async function createTestDatabase({
  migrations,
  name = 'test',
}: {
  migrations?: string;
  name?: string;
} = {}): Promise<TestDatabase> {
  const { primaryUrl, replicaUrls } = await stores();
  const database = `${name}_${randomBytes(6).toString('hex')}`;
  const owner = { name: `${database}_owner`, password: randomBytes(9).toString('hex') };
  const runtime = { name: database, password: randomBytes(9).toString('hex') };
  await ensureDatabase({ cluster: { primaryUrl: () => primaryUrl }, database, owner, runtime });
  const ownerUrl = as(primaryUrl, owner, database);
  if (migrations !== undefined) await migrate({ url: ownerUrl, folder: migrations });
  const replicated = () => untilReplicated(primaryUrl, replicaUrls);
  await replicated();
  return {
    primaryUrl: as(primaryUrl, runtime, database),
    replicaUrls: replicaUrls.map((url) => as(url, runtime, database)),
    ownerUrl,
    replicated,
    drop: () =>
      withClient(primaryUrl, async (client) => {
        await client.query(`drop database if exists ${database} with (force)`);
        await client.query(`drop role if exists ${owner.name}, ${runtime.name}`);
      }),
  };
}

function as(url: string, role: { name: string; password: string }, database: string): string {
  const changed = new URL(url);
  changed.username = role.name;
  changed.password = role.password;
  changed.pathname = `/${database}`;
  return changed.href;
}
