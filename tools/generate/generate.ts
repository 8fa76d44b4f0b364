import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Buf, withBuf } from './buf.ts';
import { renderBootstrap } from './envoy/bootstrap.ts';
import { renderClusters } from './envoy/clusters.ts';
import { PORTAL } from './envoy/portal.ts';
import { isRouted, type Rpc, readRpcs } from './envoy/rpc.ts';
import { renderOpenApi } from './openapi/document.ts';
import { readExamples } from './openapi/examples.ts';
import { generatePrisma } from './prisma.ts';
import type { Run } from './run.ts';

const DESCRIPTOR = 'packages/proto/descriptor.binpb';
const ENVOY = 'charts/realmkeep/files/envoy';
const OPENAPI = 'services/portal/pages/openapi.yaml';
const EXAMPLES = 'services/portal/examples.yaml';
const noteOf = (place: string) => `# Generated from the contract by \`npm run generate\`: change ${place} instead.\n`;

/**
 * Writes everything that is generated into the checkout at `root`: code and descriptors of the contract, the
 * OpenAPI document, Envoy's configuration, Prisma's clients. Programs are found on PATH. Throws with the program's own words when one fails.
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
  say(ENVOY);
  writeEnvoyFiles(root);
  for (const { service, result } of await generatePrisma(root)) {
    say(`${service}/src/generated`);
    demand(`prisma generate in ${service}`, result);
  }
}

/**
 * What the chart gives to Envoy. The clusters name each deployable by its plain name; the chart knows the names and ports
 * of a release. Files of a chart can not lie outside of it, so the descriptors are there once more.
 */
function writeEnvoyFiles(root: string): void {
  const folder = join(root, ENVOY);
  mkdirSync(folder, { recursive: true });
  const note = noteOf('tools/generate/envoy');
  const rpcs = readRpcs(join(root, DESCRIPTOR));
  const deployables = new Set([...rpcs.filter(isRouted).map(({ deployable }) => deployable), PORTAL]);
  const addresses = Object.fromEntries([...deployables].map((name) => [name, [{ host: name, port: 80 }]]));
  writeFileSync(join(folder, 'bootstrap.yaml'), note + renderBootstrap(rpcs));
  writeFileSync(join(folder, 'clusters.yaml'), note + renderClusters(addresses));
  copyFileSync(join(root, DESCRIPTOR), join(folder, 'descriptor.binpb'));
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
