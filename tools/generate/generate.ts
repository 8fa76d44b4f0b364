import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withBuf } from './buf.ts';
import { renderBootstrap } from './envoy/bootstrap.ts';
import { readRpcs } from './envoy/rpc.ts';
import { generatePrisma } from './prisma.ts';
import type { Run } from './run.ts';

const DESCRIPTOR = 'packages/proto/descriptor.binpb';
const BOOTSTRAP = 'charts/realmkeep/files/envoy/bootstrap.yaml';
const NOTE = '# Generated from the contract by `npm run generate`: change tools/generate/envoy instead.\n';

/**
 * Writes everything that is generated into the checkout at `root`: code and descriptors of the contract, Envoy's
 * bootstrap, Prisma's clients. Programs are found on PATH. Throws with the program's own words when one fails.
 */
export async function generate({ root, say }: { root: string; say: (line: string) => void }): Promise<void> {
  await withBuf(async (buf) => {
    say('packages/proto/gen');
    demand('buf generate', await buf(['generate'], root));
    say(DESCRIPTOR);
    demand('buf build', await buf(['build', '--exclude-source-info', '-o', DESCRIPTOR], root));
  });
  say(BOOTSTRAP);
  mkdirSync(dirname(join(root, BOOTSTRAP)), { recursive: true });
  writeFileSync(join(root, BOOTSTRAP), NOTE + renderBootstrap(readRpcs(join(root, DESCRIPTOR))));
  for (const { service, result } of await generatePrisma(root)) {
    say(`${service}/src/generated`);
    demand(`prisma generate in ${service}`, result);
  }
}

function demand(what: string, { status, output }: Run): void {
  if (status !== 0) throw new Error(`${what} failed (status ${status}):\n${output.trim()}`);
}
