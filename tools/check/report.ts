import type { Outcome, Step } from './step.ts';

const WIDTH = Math.max(...['ok', 'FAILED', 'skipped'].map((word) => word.length));

/**
 * Runs every step, whatever became of the one before, and prints one line for each, and beneath a failed one what its
 * tool said. A missing tool fails when `strict`. Returns how many failed.
 */
export async function runSteps({
  steps,
  strict,
  print,
}: {
  steps: readonly Step[];
  strict: boolean;
  print: (line: string) => void;
}): Promise<number> {
  let failed = 0;
  for (const step of steps) {
    const started = performance.now();
    const outcome = await step.check().catch((error: Error): Outcome => ({ kind: 'failed', output: error.message }));
    const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    const line = (word: string, note?: string) =>
      print(`${word.padEnd(WIDTH)}  ${step.name}${note ? `: ${note}` : ''}`);
    if (outcome.kind === 'passed') line('ok', took);
    else if (outcome.kind === 'nothing') line('skipped', outcome.why);
    else if (outcome.kind === 'missing' && !strict) line('skipped', `${outcome.tool} is not there`);
    else {
      failed += 1;
      line('FAILED', outcome.kind === 'missing' ? `${outcome.tool} is not there` : took);
      if (outcome.kind === 'failed') print(outcome.output.trimEnd().replace(/^/gm, '    '));
    }
  }
  return failed;
}
