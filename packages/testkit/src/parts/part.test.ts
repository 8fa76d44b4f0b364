import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Exit, startChild } from './child.ts';
import { createPart, type Part } from './part.ts';
import { accepts, freePort } from './ports.ts';
import { startedAt } from './process-identity.ts';
import { until } from './until.ts';

let folder: string;
let part: Part | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-part-'));
});

afterEach(async () => {
  await part?.stop();
  rmSync(folder, { recursive: true });
});

async function server(script: string, stopWithin = 5_000): Promise<Part> {
  const port = await freePort();
  part = createPart({
    name: 'a server',
    launch: (signal) =>
      startChild({
        name: 'a server',
        command: process.execPath,
        args: ['-e', script.replace('PORT', String(port))],
        log: join(folder, 'log'),
        ready: () => accepts(port),
        stopWithin,
        signal,
      }),
  });
  return part;
}

const LISTEN = "require('node:net').createServer().listen(PORT, '127.0.0.1');";

test('a killed part tells of its death and starts again, a stopped one does not tell', async () => {
  const served = await server(LISTEN);
  const deaths: Exit[] = [];
  served.onDeath((exit) => deaths.push(exit));
  await served.start();
  const first = served.pid!;
  await served.kill();
  expect(deaths).toEqual([{ code: null, signal: 'SIGKILL' }]);
  await served.restart();
  expect(served.pid).not.toBe(first);
  await served.stop();
  expect(served.pid).toBeUndefined();
  expect(deaths).toHaveLength(1);
});

test('a part that ignores its stop signal is killed when the bound passes', async () => {
  const stubborn = await server(`process.on('SIGTERM', () => {}); ${LISTEN}`, 100);
  await stubborn.start();
  const pid = stubborn.pid!;
  await stubborn.stop();
  expect(startedAt(pid)).toBeUndefined();
});

test('a part that ends before it is ready fails with the last lines of its log', async () => {
  const broken = await server("console.error('no such realm'); process.exit(3)");
  await expect(broken.start()).rejects.toThrow(/ended before it was ready \(status 3\).*\n {2}no such realm/s);
});

test('a stop ends a start that would never become ready', async () => {
  const silent = await server('setInterval(() => {}, 1000)');
  const start = expect(silent.start()).rejects.toThrow('was stopped while it started');
  await until(() => startedAt(process.pid), { what: 'this process' });
  await silent.stop();
  await start;
});
