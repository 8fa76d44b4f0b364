import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { binaryOfWheel } from '@realmkeep/testkit/parts/python-wheel';
import { stringify } from 'yaml';
import { KUBERNETES, STORES } from '../chart/render.ts';
import { manifestsOf, reviewedFile } from '../chart/reviewed.ts';
import { run } from '../generate/run.ts';
import { outcomeOf } from './command-step.ts';
import type { Step } from './step.ts';

const OWN_GROUP = /^(v1|(apps|batch|autoscaling|policy)\/.*|[a-z.]+\.k8s\.io\/.*)$/;

/**
 * Whether Kubernetes knows every field of what the chart renders, by the schemas of its API. Objects of operators are
 * not looked at: their schemas come with the operators, whose clusters check them.
 */
export function kubernetesStep(root: string): Step {
  return {
    name: `the chart's manifests fit Kubernetes ${KUBERNETES}`,
    check: async () => {
      const tool = await binaryOfWheel({
        part: 'the schemas of Kubernetes',
        instead: 'kubernetes-validate',
        requirement: 'kubernetes-validate==1.37.0',
        pattern: '{lib/python*/site-packages/,}kubernetes_validate/__main__.py',
        say: () => undefined,
      }).catch(() => undefined);
      if (!tool) return { kind: 'missing', tool: 'kubernetes-validate' };
      const folder = mkdtempSync(join(tmpdir(), 'realmkeep-manifests-'));
      try {
        const files = STORES.map((stores) => {
          const manifests = manifestsOf(readFileSync(join(root, reviewedFile(stores)), 'utf8'));
          const own = manifests.filter(({ apiVersion }) => OWN_GROUP.test(apiVersion));
          const file = join(folder, `${stores}.yaml`);
          writeFileSync(file, own.map((manifest) => stringify(manifest)).join('---\n'));
          return file;
        });
        const env = { ...process.env, PYTHONPATH: dirname(dirname(tool)) };
        const version = KUBERNETES.split('.').slice(0, 2).join('.');
        const args = ['-m', 'kubernetes_validate', '-k', version, '--strict', '--quiet', ...files];
        return outcomeOf(await run('python3', args, { cwd: root, env }));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
