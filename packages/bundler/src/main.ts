import { resolve } from 'node:path';
import { bundleService } from './bundle.ts';

const [service, out] = process.argv.slice(2);
if (!service || !out) {
  process.stderr.write('node packages/bundler/src/main.ts SERVICE FOLDER\n');
  process.exit(1);
}
const programs = await bundleService({ service, out: resolve(out) });
process.stdout.write(`${service}: ${programs.join(', ')}\n`);
