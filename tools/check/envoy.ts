import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envoyBinary } from '@realmkeep/testkit/parts/envoy';
import { createKeys } from '@realmkeep/testkit/tokens';
import { run } from '../generate/run.ts';
import { outcomeOf } from './command-step.ts';
import type { Step } from './step.ts';

/** Whether Envoy takes its bootstrap, beside the files that it names. */
export function envoyStep(root: string): Step {
  return {
    name: "Envoy's bootstrap is valid",
    check: async () => {
      const binary = await envoyBinary(() => undefined).catch(() => undefined);
      if (!binary) return { kind: 'missing', tool: 'envoy' };
      const folder = mkdtempSync(join(tmpdir(), 'realmkeep-envoy-'));
      try {
        copyFileSync(join(root, 'charts/realmkeep/files/envoy/bootstrap.yaml'), join(folder, 'bootstrap.yaml'));
        copyFileSync(join(root, 'packages/proto/descriptor.binpb'), join(folder, 'descriptor.binpb'));
        writeFileSync(join(folder, 'jwks.json'), JSON.stringify((await createKeys('check')).jwks));
        writeFileSync(join(folder, 'cds.yaml'), 'resources: []\n');
        const args = ['--mode', 'validate', '--config-path', 'bootstrap.yaml', '--log-level', 'warning'];
        return outcomeOf(await run(binary, args, { cwd: folder }));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
