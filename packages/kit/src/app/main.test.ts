import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { createTestDatabase, stores, type TestDatabase } from '@realmkeep/testkit/stores';
import { createTestTokens, type TestTokens } from '@realmkeep/testkit/tokens';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createClient } from '../client/client.ts';

const MAIN = fileURLToPath(new URL('./main.fixture.ts', import.meta.url));
const MIGRATIONS = fileURLToPath(new URL('../postgres/test-migrations', import.meta.url));

let tokens: TestTokens;
let database: TestDatabase;
let folder: string;
let env: NodeJS.ProcessEnv;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  tokens = await createTestTokens();
  database = await createTestDatabase({ migrations: MIGRATIONS });
  folder = await mkdtemp(join(tmpdir(), 'kit-main-'));
  const file = async (name: string, content: object) => {
    await writeFile(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const { valkey } = await stores();
  env = {
    PATH: process.env.PATH,
    HOST: '127.0.0.1',
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(','),
    REDIS_NODES: valkey.nodes.join(','),
    REDIS_PASSWORD: valkey.password,
    JWKS_FILE: await file('jwks.json', tokens.callers.jwks),
    INTERNAL_JWKS_FILE: await file('internal.jwks.json', tokens.internal.jwks),
    INTERNAL_KEY_FILE: await file('internal.jwk.json', tokens.internal.privateKey),
    PAGE_TOKEN_KEY: 'ab'.repeat(32),
    DRAIN_DELAY_MS: '50',
    DRAIN_TIMEOUT_MS: '20000',
  };
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

/** Starts the process. `serving` resolves to what it logs once it serves. */
function start(environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  const { promise: serving, resolve, reject } = Promise.withResolvers<{ grpcPort: number; metricsPort: number }>();
  const { promise: draining, resolve: beginsToDrain } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line);
    if (entry.msg === 'serving') resolve(entry);
    if (entry.msg === 'draining') beginsToDrain();
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    reject(new Error(`it ended with ${code}: ${told}`));
    return { code: code as number | null, told };
  });
  serving.catch(() => undefined);
  return { child, serving, draining, ended };
}

async function clientOf(port: number) {
  const token = await tokens.token({ role: 'server', subject: 's' });
  const serviceTokens = { token: async () => token };
  return createClient(ItemCatalogService, { address: `127.0.0.1:${port}`, serviceTokens, timeoutMs: 20_000 });
}

test('a start that fails prints every fault of the configuration and exits with 1', async () => {
  const { PAGE_TOKEN_KEY: _, ...lacking } = env;
  const { code, told } = await start({ ...lacking, GRPC_PORT: 'x' }).ended;
  expect(code).toBe(1);
  expect(told).toContain('GRPC_PORT is wrong');
  expect(told).toContain('PAGE_TOKEN_KEY is missing');
});

test('a service answers and is measured; SIGTERM lets it finish what runs, and it ends by itself', async () => {
  const { child, serving, ended } = start(env);
  const { grpcPort, metricsPort } = await serving;
  const client = await clientOf(grpcPort);
  await client.getItem({ itemId: '1' });
  const scraped = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { headers: { connection: 'close' } });
  expect(await scraped.text()).toContain('ItemCatalogService/GetItem",rpc_response_status_code="OK"} 1');

  const slow = client.getItem({ itemId: '1500' });
  await client.getItem({ itemId: '2' });
  child.kill('SIGTERM');
  await slow;
  client.close();
  expect(await ended).toEqual({ code: 0, told: '' });
});

test('a second signal ends it at once', async () => {
  const { child, serving, draining, ended } = start({ ...env, DRAIN_DELAY_MS: '60000' });
  await serving;
  child.kill('SIGTERM');
  await draining;
  child.kill('SIGTERM');
  expect((await ended).code).toBe(1);
});

test('a taken port is told', async () => {
  const { child, serving, ended } = start(env);
  const { grpcPort } = await serving;
  const second = start({ ...env, GRPC_PORT: `${grpcPort}` });
  const { code, told } = await second.ended;
  expect(code).toBe(1);
  expect(told).toContain('EADDRINUSE');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
