import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generate } from '../generate/generate.ts';
import { generatedPaths, SOURCES } from '../generate/generated.ts';
import { run } from '../generate/run.ts';
import type { Outcome, Step } from './step.ts';

/** Generates everything again, in a copy of the sources, and compares it with what is checked in. */
export function generatedStep(root: string): Step {
  return {
    name: 'generated code is current',
    check: async () => {
      const copy = mkdtempSync(join(tmpdir(), 'realmkeep-generate-'));
      try {
        for (const source of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root }))) {
          mkdirSync(dirname(join(copy, source)), { recursive: true });
          cpSync(join(root, source), join(copy, source), { recursive: true });
        }
        mkdirSync(join(copy, 'packages/proto'), { recursive: true });
        symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
        await generate({ root: copy, say: () => undefined });
        return await compare(root, copy);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    },
  };
}

async function compare(root: string, copy: string): Promise<Outcome> {
  const differences: string[] = [];
  for (const path of generatedPaths(root)) {
    const { status, output } = await run('diff', ['-rq', join(root, path), join(copy, path)], { cwd: root });
    if (status !== 0) differences.push(output.replaceAll(`${copy}/`, 'again: ').replaceAll(`${root}/`, '').trim());
  }
  if (differences.length === 0) return { kind: 'passed' };
  return { kind: 'failed', output: `${differences.join('\n')}\nMend it: npm run generate` };
}
