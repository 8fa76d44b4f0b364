import { type Run, run } from '../generate/run.ts';
import { type Outcome, passed, type Step } from './step.ts';

/** A step that is one command: it passes when the command's status is 0. */
export function commandStep(options: { name: string; command: string; args: string[]; root: string }): Step {
  const { name, command, args, root } = options;
  return { name, check: () => runTool(command, args, root) };
}

/** Runs a tool as (a part of) a step. */
export async function runTool(command: string, args: string[], root: string): Promise<Outcome> {
  try {
    // Colours are for people, and turbo's count of its users is for nobody.
    const env = { ...process.env, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1' };
    return outcomeOf(await run(command, args, { cwd: root, env }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing', tool: command };
    throw error;
  }
}

export function outcomeOf({ status, output }: Run): Outcome {
  return status === 0 ? passed : { kind: 'failed', output };
}
