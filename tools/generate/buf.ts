import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Run, run } from './run.ts';

const BESIDE_CHECKOUT = fileURLToPath(new URL('../../../shared/buf-cache', import.meta.url));

/** Runs buf commands that need the modules of buf.lock. */
export type Buf = (args: string[], cwd: string) => Promise<Run>;

/**
 * Gives `work` a buf that finds its modules: in `BUF_CACHE_DIR` when that is set, else in a copy of a module cache beside
 * the checkout (buf writes into its cache), else by fetching them.
 */
export async function withBuf<T>(work: (buf: Buf) => Promise<T>): Promise<T> {
  if (process.env.BUF_CACHE_DIR || !existsSync(BESIDE_CHECKOUT)) {
    return work((args, cwd) => run('buf', args, { cwd }));
  }
  const cache = mkdtempSync(join(tmpdir(), 'realmkeep-buf-'));
  try {
    cpSync(BESIDE_CHECKOUT, cache, { recursive: true });
    await run('chmod', ['-R', 'u+w', cache], { cwd: cache });
    return await work((args, cwd) => run('buf', args, { cwd, env: { ...process.env, BUF_CACHE_DIR: cache } }));
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
