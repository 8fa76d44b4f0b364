import { fileURLToPath } from 'node:url';
import { createNoopMeter } from '@opentelemetry/api';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import { expect, test } from 'vitest';
import { migrate } from './migrate.ts';
import { untilMigrated } from './migrated.ts';
import { createPostgresNodes } from './nodes.ts';

const FOLDER = fileURLToPath(new URL('./test-migrations/', import.meta.url));

test('a service that starts before its database waits for it and for its migrations', async () => {
  const database = await createTestDatabase({ name: 'migrated' });
  const { username, password } = new URL(database.primaryUrl);
  const early = new URL(database.primaryUrl);
  early.password = 'not-yet';
  const said: unknown[] = [];
  const logger = { info: (...about: unknown[]) => said.push(about.at(-1)), warn: () => undefined };
  const options = { name: 'early', urls: [early.href], failoverWaitMs: 200, measureEveryMs: 50 };
  const nodes = createPostgresNodes({ ...options, logger, meter: createNoopMeter() });
  const waiting = untilMigrated(nodes, FOLDER, logger);
  await expect.poll(() => said).toContain('waiting for the database');
  const enter = `alter role ${username} password '${early.password}'`;
  await withClient((await stores()).primaryUrl, (client) => client.query(enter));
  await expect.poll(() => said).toContain('waiting for the database to be migrated');
  await migrate({ url: database.ownerUrl, folder: FOLDER });
  await waiting;
  expect(password).not.toBe(early.password);
  await nodes.close();
  await database.drop();
});
