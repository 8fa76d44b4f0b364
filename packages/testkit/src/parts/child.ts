import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** A running process that leads a process group of its own. */
export type Child = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Asks it to end by its stop signal; kills its group when the bound passes. Resolves once it is gone. */
  stop(): Promise<void>;
  /** SIGKILL to its group. Resolves once it is gone. */
  kill(): Promise<void>;
};

export type Spawned = (process: { name: string; pid: number; stopSignal: NodeJS.Signals }) => void;

export type ChildOptions = {
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  /** The whole environment; default: this process's. */
  env?: NodeJS.ProcessEnv;
  /** Whom it runs as; default: this process's user. */
  user?: { uid: number; gid: number } | undefined;
  /** The file that its output is appended to. */
  log: string;
  /** Whether it serves now; a probe that throws means not yet. */
  ready: () => Promise<boolean>;
  /** Milliseconds until it must serve; default 30,000. */
  readyWithin?: number;
  stopSignal?: NodeJS.Signals;
  /** Milliseconds that it has to end by itself; default 10,000. */
  stopWithin?: number;
  /** Told the process id before it is ready, so that no process is ever unknown. */
  spawned?: Spawned | undefined;
  /** Ends the wait for readiness: the process is stopped and the start fails. */
  signal?: AbortSignal | undefined;
};

const LOG_LIMIT = 20_000_000;
const running = new Set<number>();

/** Starts a process and waits until it serves. An early end or a missed bound is an error with its last lines. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command, args, log, ready, readyWithin = 30_000 } = options;
  const { stopSignal = 'SIGTERM', stopWithin = 10_000 } = options;
  const from = openLog(log);
  const output = openSync(log, 'a', 0o640);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', output, output],
    ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
  });
  closeSync(output);
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid!));
    child.once('error', (cause) => reject(new Error(`${name} could not be started: ${cause.message}`, { cause })));
  });
  running.add(pid);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(pid);
      exit = { code, signal };
      resolve(exit);
    });
  });
  options.spawned?.({ name, pid, stopSignal });

  const kill = async () => {
    if (!exit) signalGroup(pid, 'SIGKILL');
    await exited;
  };
  const stop = async () => {
    if (exit) return;
    signalProcess(pid, stopSignal);
    const late = new AbortController();
    await Promise.race([exited, delay(stopWithin, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    await kill();
  };

  const end = performance.now() + readyWithin;
  while (!(await ready().catch(() => false))) {
    if (exit) throw new Error(`${name} ended before it was ready (${describeExit(exit)})${lastLines(log, from)}`);
    if (options.signal?.aborted) {
      await stop();
      throw new Error(`${name} was stopped while it started`);
    }
    if (performance.now() > end) {
      await kill();
      throw new Error(`${name} was not ready within ${readyWithin / 1000} s${lastLines(log, from)}`);
    }
    await delay(30);
  }
  return { pid, exited, stop, kill };
}

/** "status 1" or "SIGKILL". */
export function describeExit({ code, signal }: Exit): string {
  return signal ?? `status ${code}`;
}

/** Makes the end of this process, however it comes but by SIGKILL, the end of every child it started. */
export function killChildrenOnExit(): void {
  process.once('exit', () => {
    for (const pid of running) signalGroup(pid, 'SIGKILL');
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalProcess(-pid, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Makes the log's folder, moves a log that grew large aside, and returns the size from which new lines begin. */
function openLog(log: string): number {
  mkdirSync(dirname(log), { recursive: true });
  if (!existsSync(log)) return 0;
  const { size } = statSync(log);
  if (size < LOG_LIMIT) return size;
  renameSync(log, `${log}.1`);
  return 0;
}

function lastLines(log: string, from: number): string {
  const lines = readFileSync(log).subarray(from).toString('utf8').trim().split('\n').slice(-12);
  return `; its log, ${log}, ends:\n  ${lines.join('\n  ')}`;
}
