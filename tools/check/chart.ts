import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHART, KUBERNETES, renderChart, STORES } from '../chart/render.ts';
import { reviewedFile, reviewedText } from '../chart/reviewed.ts';
import { run } from '../generate/run.ts';
import { runTool } from './command-step.ts';
import { type Outcome, passed, type Step } from './step.ts';

/** Whether helm finds nothing to complain of in the chart, with the values of each kind of stores. */
export function chartLintStep(root: string): Step {
  return {
    name: 'helm lint',
    check: async () => {
      const values = STORES.map((stores) => `${CHART}/ci/${stores}-values.yaml`);
      for (const file of values) {
        const args = ['lint', CHART, '--strict', '--quiet', '--kube-version', KUBERNETES, '--values', file];
        const outcome = await runTool('helm', args, root);
        if (outcome.kind !== 'passed') return outcome;
      }
      return passed;
    },
  };
}

/** Whether the chart renders what was reviewed. */
export function chartRenderStep(root: string): Step {
  return {
    name: 'the chart renders what was reviewed',
    check: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'realmkeep-chart-'));
      try {
        const differences: string[] = [];
        for (const stores of STORES) {
          const { status, output } = await renderChart({ root, stores });
          if (status !== 0) return { kind: 'failed', output };
          const again = join(folder, `${stores}.yaml`);
          writeFileSync(again, reviewedText(output));
          const difference = await run('diff', ['-u', reviewedFile(stores), again], { cwd: root });
          if (difference.status !== 0) differences.push(difference.output);
        }
        if (differences.length === 0) return passed;
        return { kind: 'failed', output: `${differences.join('\n')}\nMend it, or accept it: npm run generate` };
      } catch (fault) {
        return missing(fault);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function missing(fault: unknown): Outcome {
  if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing', tool: 'helm' };
  throw fault;
}
