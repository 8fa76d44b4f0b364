import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { startedAt } from '@realmkeep/testkit/parts/process-identity';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { callerToken } from './keys.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const READY = 'Realmkeep serves at';

// A start takes six seconds on an idle machine.
vi.setConfig({ testTimeout: 120_000 });

type Launcher = { process: ChildProcess; said: () => string; exit: Promise<unknown[]> };

let folder: string;
let address: string;
let port: number;
let launcher: Launcher;

function launch(): Launcher {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, REALMKEEP_STATE: folder, REALMKEEP_PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  return { process: child, said: () => said, exit: once(child, 'close') };
}

async function ready({ process: child, said }: Launcher): Promise<void> {
  await until(() => said().includes(READY) || child.exitCode !== null, { what: 'the launcher', within: 90_000 });
  expect(said()).toContain(READY);
}

type Entry = { name: string; pid: number; startedAt: string };

function parts(): Entry[] {
  return (JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as { parts: Entry[] }).parts;
}

function alive(entries: Entry[]): string[] {
  return entries.filter((entry) => startedAt(entry.pid) === entry.startedAt).map(({ name }) => name);
}

async function call(path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
  const token = await callerToken(folder, { role: 'server', subject: 'the test' });
  const response = await fetch(`${address}${path}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-launcher-'));
  chmodSync(folder, 0o711);
  port = await freePort();
  address = `http://127.0.0.1:${port}`;
  launcher = launch();
  await ready(launcher);
});

afterAll(async () => {
  launcher.process.kill('SIGTERM');
  await launcher.exit;
  rmSync(folder, { recursive: true });
});

test('a second start says that one runs already', async () => {
  const second = launch();
  expect(await second.exit).toEqual([1, null]);
  expect(second.said()).toContain(`it runs already: the launcher is process ${launcher.process.pid}`);
});

test('a killed service is started again and serves', async () => {
  const [killed] = parts().filter(({ name }) => name === 'area-stats');
  process.kill(killed!.pid, 'SIGKILL');
  await until(() => launcher.said().includes('area-stats runs again'), { what: 'the restart', within: 30_000 });
  await until(async () => (await call('/stats?area_code=111')).status === 200, { what: 'an answer', within: 15_000 });
  expect(launcher.said()).toContain('area-stats died (SIGKILL)');
});

test('a start after kill -9 of the launcher ends what it left behind and has every acknowledged write', async () => {
  const player_id = crypto.randomUUID();
  expect((await call('/v1/players', { player_id, display_name: 'Ada' })).status).toBe(200);
  const orphans = parts();
  launcher.process.kill('SIGKILL');
  await launcher.exit;
  expect(alive(orphans)).toHaveLength(orphans.length);
  launcher = launch();
  await ready(launcher);
  expect(alive(orphans)).toEqual([]);
  const { status, answer } = await call(`/v1/players/${player_id}/state`);
  expect(status).toBe(200);
  expect(answer).toMatchObject({ state: { player_id, display_name: 'Ada' } });
});

test('SIGTERM ends every process, and the run file goes', async () => {
  const started = parts();
  expect(alive(started).length).toBeGreaterThanOrEqual(10);
  launcher.process.kill('SIGTERM');
  expect(await launcher.exit).toEqual([0, null]);
  expect(alive(started)).toEqual([]);
  expect(existsSync(join(folder, 'run.json'))).toBe(false);
});
