import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Buf, withBuf } from './buf.ts';
import { renderBootstrap } from './envoy/bootstrap.ts';
import { type Rpc, readRpcs } from './envoy/rpc.ts';
import { renderOpenApi } from './openapi/document.ts';
import { readExamples } from './openapi/examples.ts';
import { generatePrisma } from './prisma.ts';
import type { Run } from './run.ts';

const DESCRIPTOR = 'packages/proto/descriptor.binpb';
const BOOTSTRAP = 'charts/realmkeep/files/envoy/bootstrap.yaml';
const OPENAPI = 'services/portal/pages/openapi.yaml';
const EXAMPLES = 'services/portal/examples.yaml';
const noteOf = (place: string) => `# Generated from the contract by \`npm run generate\`: change ${place} instead.\n`;

/**
 * Writes everything that is generated into the checkout at `root`: code and descriptors of the contract, the
 * OpenAPI document, Envoy's bootstrap, Prisma's clients. Programs are found on PATH. Throws with the program's own words when one fails.
 */
export async function generate({ root, say }: { root: string; say: (line: string) => void }): Promise<void> {
  await withBuf(async (buf) => {
    say('packages/proto/gen');
    demand('buf generate', await buf(['generate'], root));
    say(DESCRIPTOR);
    demand('buf build', await buf(['build', '--exclude-source-info', '-o', DESCRIPTOR], root));
    say(OPENAPI);
    writeOpenApi(root, await commentedRpcs(buf, root));
  });
  say(BOOTSTRAP);
  mkdirSync(dirname(join(root, BOOTSTRAP)), { recursive: true });
  writeFileSync(
    join(root, BOOTSTRAP),
    noteOf('tools/generate/envoy') + renderBootstrap(readRpcs(join(root, DESCRIPTOR))),
  );
  for (const { service, result } of await generatePrisma(root)) {
    say(`${service}/src/generated`);
    demand(`prisma generate in ${service}`, result);
  }
}

function writeOpenApi(root: string, rpcs: readonly Rpc[]): void {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const document = renderOpenApi(rpcs, { version, examples: readExamples(join(root, EXAMPLES)) });
  mkdirSync(dirname(join(root, OPENAPI)), { recursive: true });
  writeFileSync(join(root, OPENAPI), `${noteOf(`proto, ${EXAMPLES} or tools/generate/openapi`)}${document}`);
}

/** The RPCs with the comments of the contract, which the checked-in descriptors lack: nothing at run time needs them. */
async function commentedRpcs(buf: Buf, root: string): Promise<Rpc[]> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-contract-'));
  try {
    const file = join(folder, 'commented.binpb');
    demand('buf build', await buf(['build', '-o', file], root));
    return readRpcs(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function demand(what: string, { status, output }: Run): void {
  if (status !== 0) throw new Error(`${what} failed (status ${status}):\n${output.trim()}`);
}
