import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startedAt } from './process-identity.ts';
import { AlreadyRunningError, openRunFile } from './run-file.ts';

let folder: string;
let sleeper: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-run-'));
  sleeper = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  await once(sleeper, 'spawn');
});

afterEach(async () => {
  if (sleeper.exitCode === null && sleeper.signalCode === null) {
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** The file that a launcher which was killed leaves behind. */
function leftBehind(startTime: string): string {
  const file = join(folder, 'run.json');
  const part = { name: 'sleeper', pid: sleeper.pid!, startedAt: startTime, stopSignal: 'SIGTERM' };
  writeFileSync(file, JSON.stringify({ launcher: { name: 'launcher', pid: 1, startedAt: 'before' }, parts: [part] }));
  return file;
}

test('orphans of a killed launcher are ended before the next start', async () => {
  const exit = once(sleeper, 'exit');
  const said: string[] = [];
  const runFile = await openRunFile({ file: leftBehind(startedAt(sleeper.pid!)!), say: (line) => said.push(line) });
  expect(await exit).toEqual([null, 'SIGTERM']);
  expect(said).toEqual([expect.stringContaining('sleeper')]);
  runFile.close();
  expect(existsSync(join(folder, 'run.json'))).toBe(false);
});

test('a stranger that got the id of a part that is gone is left alone', async () => {
  const runFile = await openRunFile({ file: leftBehind('another time'), say: () => undefined });
  expect(startedAt(sleeper.pid!)).toBeDefined();
  runFile.close();
});

test('a second launcher is refused while the first is alive', async () => {
  const file = join(folder, 'run.json');
  const first = await openRunFile({ file, say: () => undefined });
  first.record({ name: 'sleeper', pid: sleeper.pid!, stopSignal: 'SIGTERM' });
  await expect(openRunFile({ file, say: () => undefined })).rejects.toThrow(AlreadyRunningError);
  expect(JSON.parse(readFileSync(file, 'utf8')).parts).toHaveLength(1);
  first.close();
});
