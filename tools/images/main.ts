import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PORTAL } from '../generate/envoy/portal.ts';
import { SERVICES } from '../local/service-names.ts';
import { buildImage } from './build.ts';
import { docker } from './docker.ts';
import { measureStart } from './start-time.ts';

const usage = `Builds the images of the services with docker, and prints their sizes and how fast they start.

  npm run images [-- --build-image <image>] [--run-image <image>] [--registry <name>] [--tag <tag>] [--push] [SERVICE...]

  --build-image  the base that builds, in the stead of the Dockerfile's
  --run-image    the base that runs: a distroless Node whose entrypoint is node
  --registry     where they belong: <registry>/realmkeep/<service>; default: nowhere
  --tag          default: the version in package.json
  --push         pushes them as well
`;

const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url));

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'build-image': { type: 'string' },
      'run-image': { type: 'string' },
      registry: { type: 'string', default: '' },
      tag: { type: 'string' },
      push: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  const all = [...SERVICES.map(({ name }) => name as string), PORTAL];
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`there is no service ${unknown}: ${all.join(', ')}`);
  for (const service of positionals.length > 0 ? positionals : all) {
    const name = [values.registry, 'realmkeep', service].filter(Boolean).join('/');
    const image = `${name}:${values.tag ?? version}`;
    const size = await buildImage({
      service,
      image,
      version,
      revision: revision(),
      buildImage: values['build-image'],
      runImage: values['run-image'],
    });
    const startMs = await measureStart(image);
    process.stdout.write(`${image}  ${(size / 1e6).toFixed(0)} MB  starts in ${startMs} ms\n`);
    if (values.push) await docker(['push', '--quiet', image]);
  }
}

function revision(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
