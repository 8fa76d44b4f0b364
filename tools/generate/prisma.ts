import { globSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Run, run } from './run.ts';

/** Generates the typed client of every service that has a Prisma schema. */
export async function generatePrisma(root: string): Promise<{ service: string; result: Run }[]> {
  const results: { service: string; result: Run }[] = [];
  for (const schema of globSync('services/*/prisma/schema.prisma', { cwd: root }).sort()) {
    const service = dirname(dirname(schema));
    rmSync(join(root, service, 'src/generated'), { recursive: true, force: true });
    // The schema engine, which only migrations need, is not downloaded; a command that called it would fail.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/false', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
    results.push({ service, result: await run('prisma', ['generate'], { cwd: join(root, service), env }) });
  }
  return results;
}
