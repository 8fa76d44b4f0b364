import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { until } from '@realmkeep/testkit/parts/until';
import { createTestDatabase, stores, type TestDatabase } from '@realmkeep/testkit/stores';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('./migration.fixture.ts', import.meta.url));

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ name: 'migration' });
});
afterEach(() => database.drop());

function run(env: NodeJS.ProcessEnv) {
  const running = promisify(execFile)(process.execPath, [MAIN], { env: { PATH: process.env.PATH, ...env } });
  let told = '';
  running.child.stdout?.on('data', (text: string) => {
    told += text;
  });
  return Object.assign(running, { told: () => told });
}

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('it applies what the database lacks, says what, and leaves a newer schema as it is', async () => {
  const env = { POSTGRES_OWNER_URL: database.ownerUrl };
  expect(lines((await run(env)).stdout)).toMatchObject([{ applied: ['0000_nodes', '0001_things'] }]);
  const newer = `insert into schema_migrations (name, run_on) values ('0002_of_a_later_release', now())`;
  await withClient(database.ownerUrl, (client) => client.query(newer));
  expect(lines((await run(env)).stdout)).toMatchObject([{ applied: [], msg: 'the schema lacks nothing' }]);
});

test('it waits until its role may enter', async () => {
  const { username } = new URL(database.ownerUrl);
  const alter = (rest: string) =>
    withClient(database.ownerUrl, (client) => client.query(`alter role ${username} ${rest}`));
  const later = new URL(database.ownerUrl);
  later.password = 'later';
  const running = run({ POSTGRES_OWNER_URL: later.href });
  await until(() => running.told().includes('waiting for the database'), { what: 'it to wait' });
  await alter(`password 'later'`);
  expect(lines((await running).stdout).at(-1)).toMatchObject({ applied: ['0000_nodes', '0001_things'] });
});

test('it waits until there is the role that the service runs as', async () => {
  const { username } = new URL(database.primaryUrl);
  const { primaryUrl } = await stores();
  const rename = (from: string, to: string) =>
    withClient(primaryUrl, (client) => client.query(`alter role ${from} rename to ${to}`));
  await rename(username, `${username}_later`);
  const running = run({ POSTGRES_OWNER_URL: database.ownerUrl });
  await until(() => running.told().includes(`there is no role ${username}`), { what: 'it to wait' });
  await rename(`${username}_later`, username);
  expect(lines((await running).stdout).at(-1)).toMatchObject({ applied: ['0000_nodes', '0001_things'] });
});

test('a database that can not be reached in time is its failure, and so is a setting that lacks', async () => {
  const url = `postgres://owner:hunter2@127.0.0.1:${await freePort()}/none`;
  const fault = await run({ POSTGRES_OWNER_URL: url, POSTGRES_WAIT_SECONDS: '0' }).catch((error: unknown) => error);
  expect(fault).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') });
  expect(fault).toMatchObject({ stderr: expect.not.stringContaining('hunter2') });
  const lacking = await run({}).catch((error: unknown) => error);
  expect(lacking).toMatchObject({ code: 1, stderr: expect.stringContaining('POSTGRES_OWNER_URL is missing') });
});
