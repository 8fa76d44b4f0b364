import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Spawned } from './child.ts';
import { startedAt } from './process-identity.ts';
import { until } from './until.ts';

type Entry = { name: string; pid: number; startedAt: string };
type Started = Entry & { stopSignal: NodeJS.Signals };
type Content = { launcher: Entry; parts: Started[] };

export type RunFile = {
  /** Notes a process that was just started; processes that have ended are forgotten meanwhile. */
  record: Spawned;
  /** Removes the file: every process of it was stopped. */
  close(): void;
};

export type RunFileOptions = {
  file: string;
  say: (line: string) => void;
  /** Milliseconds that an orphan has to end by itself; default 15,000. */
  endWithin?: number;
};

/** Another launcher of the same state folder is alive. */
export class AlreadyRunningError extends Error {
  readonly pid: number;

  constructor(pid: number) {
    super(`it runs already: the launcher is process ${pid}`);
    this.name = 'AlreadyRunningError';
    this.pid = pid;
  }
}

/**
 * Ends what the launcher of that file left behind, the last started first, each by its own stop signal, and removes the
 * file; start times tell the processes from strangers that got their ids. AlreadyRunningError while the launcher is alive.
 */
export async function endOrphans({ file, say, endWithin = 15_000 }: RunFileOptions): Promise<void> {
  const before = read(file);
  if (!before) return;
  if (isAlive(before.launcher)) throw new AlreadyRunningError(before.launcher.pid);
  for (const orphan of before.parts.toReversed()) await endOrphan(orphan, { say, endWithin });
  rmSync(file, { force: true });
}

/** Opens the record of what a launcher starts, after ending what a killed one left behind. */
export async function openRunFile(options: RunFileOptions): Promise<RunFile> {
  const { file } = options;
  await endOrphans(options);
  mkdirSync(dirname(file), { recursive: true });
  const content: Content = {
    launcher: { name: 'launcher', pid: process.pid, startedAt: startedAt(process.pid) ?? '' },
    parts: [],
  };
  try {
    writeFileSync(file, JSON.stringify(content), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new AlreadyRunningError(read(file)?.launcher.pid ?? 0);
  }
  return {
    record: ({ name, pid, stopSignal }) => {
      const start = startedAt(pid);
      if (start === undefined) return;
      content.parts = [...content.parts.filter(isAlive), { name, pid, startedAt: start, stopSignal }];
      writeFileSync(`${file}.new`, JSON.stringify(content, undefined, 2), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
    close: () => rmSync(file, { force: true }),
  };
}

function isAlive(entry: Entry): boolean {
  return startedAt(entry.pid) === entry.startedAt;
}

async function endOrphan(
  orphan: Started,
  { say, endWithin }: { say: (line: string) => void; endWithin: number },
): Promise<void> {
  if (!isAlive(orphan)) return;
  say(`ending ${orphan.name} (process ${orphan.pid}), which a killed launcher left behind`);
  process.kill(orphan.pid, orphan.stopSignal);
  const gone = { what: `${orphan.name} (process ${orphan.pid}) to end`, within: endWithin };
  await until(() => !isAlive(orphan), gone).catch(async () => {
    process.kill(-orphan.pid, 'SIGKILL');
    await until(() => !isAlive(orphan), gone);
  });
}

function read(file: string): Content | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
