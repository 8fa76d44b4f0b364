import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Buf } from '../generate/buf.ts';
import { run } from '../generate/run.ts';
import { outcomeOf } from './command-step.ts';
import type { Step } from './step.ts';

/**
 * Whether the contract breaks callers of the one before: of the main branch, or, on the main branch itself with nothing
 * changed, of its previous commit.
 */
export function breakingStep({ root, buf }: { root: string; buf: Buf }): Step {
  return {
    name: 'buf breaking',
    check: async () => {
      const base = await baseCommit(root);
      if (!base) return { kind: 'nothing', why: 'there is no earlier contract' };
      const before = mkdtempSync(join(tmpdir(), 'realmkeep-breaking-'));
      try {
        const archive = join(before, 'contract.tar');
        const files = ['proto', 'buf.yaml', 'buf.lock'];
        const archived = await run('git', ['archive', '-o', archive, base, ...files], { cwd: root });
        // A commit from before the contract, or a shallow clone that does not hold it.
        if (archived.status !== 0) return { kind: 'nothing', why: `${base.slice(0, 9)} holds no contract` };
        await run('tar', ['-xf', archive, '-C', before], { cwd: root });
        return outcomeOf(await buf(['breaking', '--against', before], root));
      } finally {
        rmSync(before, { recursive: true, force: true });
      }
    },
  };
}

async function baseCommit(root: string): Promise<string | undefined> {
  const git = async (...args: string[]) => {
    const { status, output } = await run('git', args, { cwd: root });
    return status === 0 ? output.trim() : undefined;
  };
  const head = await git('rev-parse', 'HEAD');
  const shared = await git('merge-base', 'main', 'HEAD');
  const changed = await git('status', '--porcelain', '--', 'proto');
  if (shared && (shared !== head || changed)) return shared;
  return git('rev-parse', '--verify', '--quiet', 'HEAD~1');
}
