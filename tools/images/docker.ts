import { run } from '../generate/run.ts';

/** Runs docker and answers what it printed. Throws with all of it when docker fails. */
export async function docker(args: string[], cwd = process.cwd()): Promise<string> {
  const { status, output } = await run('docker', args, { cwd });
  if (status !== 0) throw new Error(`docker ${args[0]} failed:\n${output}`);
  return output.trim();
}
