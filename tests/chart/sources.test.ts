import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '@realmkeep/testkit/parts/child';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, it } from 'vitest';
import { root } from './manifests.ts';

const [, command] = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, 'k8s/dev.Dockerfile'), 'utf8'))!;
const folder = mkdtempSync(join(tmpdir(), 'realmkeep-sources-'));
const shown = join(folder, 'shown');

/** Puts another file in the place of a source, as a copy into a pod does. */
function replace(file: string, text: string): void {
  writeFileSync(join(folder, 'new'), `${text}\n`);
  renameSync(join(folder, 'new'), join(folder, file));
}

beforeAll(() => {
  for (const path of ['dist', 'services/named/src', 'packages/kit/src'])
    mkdirSync(join(folder, path), { recursive: true });
  symlinkSync('services/named', join(folder, 'service'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'packages/kit/src/kit.ts'), 'export const kit = 1;');
  writeFileSync(join(folder, 'services/named/src/said.ts'), 'export const said = 1;');
  writeFileSync(
    join(folder, 'services/named/src/main.ts'),
    `import { writeFileSync } from 'node:fs';
     import { kit } from '../../../packages/kit/src/kit.ts';
     import { said } from './said.ts';
     writeFileSync(${JSON.stringify(shown)}, \`kit \${kit}, service \${said}\`);
     setInterval(() => {}, 60_000);`,
  );
  writeFileSync(join(folder, 'dist/main.js'), "import '../services/named/src/main.ts';");
});
afterAll(() => rmSync(folder, { recursive: true }));

it('a service in a pod of skaffold dev starts again each time that one of its sources, or of the kit’s, is replaced', async () => {
  const service = await startChild({
    name: 'a service from its sources',
    command: process.execPath,
    args: JSON.parse(command!) as string[],
    cwd: folder,
    log: join(folder, 'log'),
    ready: async () => existsSync(shown),
  });
  const shows = (text: string) =>
    until(() => readFileSync(shown, 'utf8') === text, { what: `a service that shows ${text}` });
  try {
    await shows('kit 1, service 1');
    replace('services/named/src/said.ts', 'export const said = 2;');
    await shows('kit 1, service 2');
    replace('services/named/src/said.ts', 'export const said = 3;');
    await shows('kit 1, service 3');
    replace('packages/kit/src/kit.ts', 'export const kit = 2;');
    await shows('kit 2, service 3');
  } finally {
    await service.stop();
  }
});
