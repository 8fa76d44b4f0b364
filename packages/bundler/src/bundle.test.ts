import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { createTestDatabase, stores } from '@realmkeep/testkit/stores';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleService } from './bundle.ts';

const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  // Outside of the repository, where nothing of it can be found by chance.
  folder = await mkdtemp(join(tmpdir(), 'realmkeep-bundle-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Starts a bundle's program; resolves to what it logs once it serves. */
async function start(
  out: string,
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; ports: Record<string, number> }> {
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: out,
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', METRICS_PORT: '0', DRAIN_DELAY_MS: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line);
    if (entry.msg === 'serving') return { child, ports: entry };
  }
  throw new Error('it ended before it served');
}

async function end(child: ChildProcess): Promise<void> {
  child.stdout?.resume();
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
}

test('a bundle migrates its database, serves with health and reflection, and ends, with nothing beside it', async () => {
  const out = join(folder, 'player-state');
  expect(await bundleService({ service: 'player-state', out })).toEqual([
    'dist/main.js',
    'dist/migrate.js',
    'dist/jwks.js',
  ]);
  const [keys, database, { valkey }] = await Promise.all([
    writeKeys(),
    createTestDatabase({ name: 'bundle' }),
    stores(),
  ]);
  const env = { PATH: process.env.PATH, POSTGRES_OWNER_URL: database.ownerUrl };
  const migrated = await run(process.execPath, ['dist/migrate.js'], { cwd: out, env });
  expect(JSON.parse(migrated.stdout).applied).toContain('0001_players');

  const { child, ports } = await start(out, {
    ...keys.env,
    GRPC_PORT: '0',
    POSTGRES_URLS: database.primaryUrl,
    REDIS_NODES: valkey.nodes.join(','),
    REDIS_PASSWORD: valkey.password,
    PAGE_TOKEN_KEY: 'ab'.repeat(32),
    ITEM_LOCATION_ADDRESS: '127.0.0.1:1',
    AREA_STATS_ADDRESS: '127.0.0.1:1',
  });
  const proto = join(out, 'node_modules/grpc-health-check/proto/health/v1/health.proto');
  expect(await health(proto, `127.0.0.1:${ports.grpcPort}`)).toBe('SERVING');
  await end(child);

  const set = JSON.parse(
    (await run(process.execPath, ['dist/jwks.js', keys.env.INTERNAL_KEY_FILE!], { cwd: out })).stdout,
  );
  expect(set).toEqual(keys.tokens.internal.jwks);
  const trace = JSON.parse(await readFile(join(out, 'dist/main.js.map'), 'utf8'));
  expect(trace.sources.some((source: string) => source.endsWith('services/player-state/src/main.ts'))).toBe(true);
  await database.drop();
  await keys.remove();
}, 120_000);

test('the bundle of the portal serves its pages', async () => {
  const out = join(folder, 'portal');
  await bundleService({ service: 'portal', out });
  const { child, ports } = await start(out, { HTTP_PORT: '0' });
  for (const path of ['/docs', '/openapi.yaml', '/docs/swagger-ui/swagger-ui.css']) {
    const page = await fetch(`http://127.0.0.1:${ports.httpPort}${path}`, { headers: { connection: 'close' } });
    expect([path, page.status]).toEqual([path, 200]);
    await page.arrayBuffer();
  }
  await end(child);
}, 120_000);

type Health = new (
  address: string,
  by: object,
) => {
  check(request: object, answered: (fault: ServiceError | null, answer: { status: string }) => void): void;
  close(): void;
};

async function health(proto: string, address: string): Promise<string> {
  const loaded = loadPackageDefinition(loadSync(proto, { enums: String }));
  const { Health: Client } = (loaded as unknown as { grpc: { health: { v1: { Health: Health } } } }).grpc.health.v1;
  const client = new Client(address, credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.check({ service: '' }, (fault, answer) => (fault ? reject(fault) : resolve(answer.status)));
    });
  } finally {
    client.close();
  }
}
