import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './command-step.ts';
import { passed, type Step } from './step.ts';

const CHART = 'charts/realmkeep';
// A render asks no cluster: it is told which one to expect.
const KUBE_VERSION = '1.34.0';

/** Whether the chart renders with each of its values files. */
export function chartStep(root: string): Step {
  return {
    name: 'the chart renders',
    check: async () => {
      if (!existsSync(join(root, CHART, 'Chart.yaml'))) return { kind: 'nothing', why: 'there is no chart yet' };
      for (const values of globSync(`${CHART}/ci/*-values.yaml`, { cwd: root })) {
        const outcome = await runTool(
          'helm',
          ['template', 'realmkeep', CHART, '--kube-version', KUBE_VERSION, '--values', values],
          root,
        );
        if (outcome.kind !== 'passed') return outcome;
      }
      return passed;
    },
  };
}
