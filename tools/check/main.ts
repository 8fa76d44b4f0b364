import { fileURLToPath } from 'node:url';
import { withBuf } from '../generate/buf.ts';
import { breakingStep } from './breaking.ts';
import { chartLintStep, chartRenderStep } from './chart.ts';
import { commandStep, outcomeOf } from './command-step.ts';
import { envoyStep } from './envoy.ts';
import { generatedStep } from './generated.ts';
import { kubernetesStep } from './kubernetes.ts';
import { runSteps } from './report.ts';
import type { Step } from './step.ts';

// npm run check: everything that is checked without running the system.
const root = fileURLToPath(new URL('../..', import.meta.url));

const failed = await withBuf((buf) => {
  const bufStep = (name: string, args: string[]): Step => ({
    name,
    check: async () => outcomeOf(await buf(args, root)),
  });
  const steps: Step[] = [
    commandStep({ name: 'biome', command: 'biome', args: ['ci', '--colors=off'], root }),
    commandStep({
      name: 'types',
      command: 'turbo',
      args: ['run', 'types', '--continue', '--output-logs=errors-only', '--log-prefix=none'],
      root,
    }),
    commandStep({ name: 'oxlint', command: 'oxlint', args: ['--type-aware'], root }),
    bufStep('buf format', ['format', '--diff', '--exit-code']),
    bufStep('buf lint', ['lint']),
    breakingStep({ root, buf }),
    generatedStep(root),
    envoyStep(root),
    chartLintStep(root),
    chartRenderStep(root),
    kubernetesStep(root),
    commandStep({ name: 'boundaries', command: 'vitest', args: ['run', 'tests/boundaries.test.ts'], root }),
  ];
  return runSteps({ steps, strict: process.env.CI === 'true', print: (line) => console.log(line) });
});
if (failed > 0) process.exitCode = 1;
