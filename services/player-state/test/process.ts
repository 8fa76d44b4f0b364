import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a service's main.ts as a process of its own, with exactly these settings; answers how to kill it by SIGKILL. */
export function spawnService(main: URL, env: Record<string, string>): () => Promise<void> {
  const child = spawn(process.execPath, [main.pathname], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  return async () => {
    child.kill('SIGKILL');
    await exited;
  };
}
