import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '@realmkeep/testkit/parts/child';
import { createPart, type Part } from '@realmkeep/testkit/parts/part';
import { accepts, freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Supervisor, supervise } from './supervisor.ts';

let folder: string;
let part: Part;
let supervisor: Supervisor;
let said: string[];
/** What the next processes do: listen, or end at once. */
let healthy: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-supervisor-'));
  said = [];
  healthy = true;
  const port = await freePort();
  part = createPart({
    name: 'a server',
    launch: (signal) =>
      startChild({
        name: 'a server',
        command: process.execPath,
        args: ['-e', healthy ? `require('node:net').createServer().listen(${port}, '127.0.0.1')` : 'process.exit(1)'],
        log: join(folder, 'log'),
        ready: () => accepts(port),
        signal,
      }),
  });
  await part.start();
  supervisor = supervise({ parts: [part], say: (line) => said.push(line), shortest: 10 });
});

afterEach(async () => {
  supervisor.close();
  await part.stop();
  rmSync(folder, { recursive: true });
});

const saying = (words: string) => until(() => said.some((line) => line.includes(words)), { what: `"${words}"` });

test('a part that dies is started again with a growing delay, and each time a line says so', async () => {
  healthy = false;
  await part.kill();
  await saying('started again in 0.04 s');
  healthy = true;
  await saying('a server runs again');
  expect(said[0]).toBe('a server died (SIGKILL): it is started again in 0.01 s');
  expect(said[1]).toMatch(/a server could not be started .*: it is started again in 0.02 s/s);
});

test('a part that is stopped stays stopped', async () => {
  await part.stop();
  supervisor.close();
  expect(said).toEqual([]);
  expect(part.pid).toBeUndefined();
});
