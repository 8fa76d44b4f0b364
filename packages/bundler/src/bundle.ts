import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { copyBeside } from './beside.ts';
import { PLACES_BANNER, placesOf } from './places.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The programs that a service can have: `src/<name>.ts` becomes `dist/<name>.js`. */
const PROGRAMS = ['main', 'migrate', 'jwks'];

/** Drivers of other platforms, which `pg` asks for and does without. */
const ABSENT = ['pg-native', 'cloudflare:sockets'];

/**
 * Bundles a service for Node into a folder that needs nothing else: its programs with source maps in `dist`, and what
 * they read while they run beside it.
 *
 * @param service its folder below `services`
 * @param out the folder, made when it is not there
 * @returns the programs, `dist/main.js` first
 */
export async function bundleService({ service, out }: { service: string; out: string }): Promise<string[]> {
  const folder = join('services', service);
  const programs = PROGRAMS.filter((name) => existsSync(join(ROOT, folder, 'src', `${name}.ts`)));
  if (programs.length === 0) throw new Error(`there is no service ${service}`);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: programs.map((name) => join(folder, 'src', `${name}.ts`)),
    outdir: join(out, 'dist'),
    entryNames: '[name]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    external: ABSENT,
    // The workspaces' own name a base that not every place of a build has.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    sourcemap: 'linked',
    sourcesContent: false,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'external',
    banner: { js: PLACES_BANNER },
    plugins: [placesOf(ROOT)],
    metafile: true,
    logLevel: 'warning',
  });

  const inputs = Object.keys(metafile.inputs);
  const workspaces = [...new Set(inputs.flatMap((path) => /^(?:packages|services)\/[^/]+/.exec(path)?.[0] ?? []))];
  const packages = [...new Set(inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))];
  copyBeside({ root: ROOT, out, workspaces, packages: [...packages, ...resolvedBy(join(ROOT, folder))] });

  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' }, null, 2)}\n`);
  return programs.map((program) => `dist/${program}.js`);
}

/** The npm packages that a workspace names: those that it only reads files of are in no bundle. */
function resolvedBy(folder: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.keys(dependencies);
}
