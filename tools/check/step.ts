/** What became of a step. */
export type Outcome =
  | { kind: 'passed'; note?: string }
  | { kind: 'failed'; output: string }
  /** There is nothing to check. */
  | { kind: 'nothing'; why: string }
  /** The tool is not there: left out on a developer's machine, a failure in CI. */
  | { kind: 'missing'; tool: string };

export type Step = { name: string; check(): Promise<Outcome> };

export const passed: Outcome = { kind: 'passed' };
