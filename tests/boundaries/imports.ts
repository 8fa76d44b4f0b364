import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** One import statement. Files are named from the root of the checkout. */
export type Import = {
  from: string;
  /** The file that it reaches, or the package when it is none of ours. */
  to: string;
  /** Whether it brings types alone: nothing of it is called. */
  typesOnly: boolean;
};

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^;'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every file of TypeScript that people write: nothing generated. */
export function sourceFiles(): string[] {
  const files = globSync('{packages,services,tools,tests}/**/*.ts', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|generated|gen)$/.test(path),
  });
  return files.filter((file) => !file.endsWith('.d.ts')).sort();
}

export function isTest(file: string): boolean {
  return /\.(test|fixture)\.ts$|\/test\/|\/test-[^/]*$|^tests\//.test(file);
}

/** Every import of these files. */
export function importsOf(files: readonly string[]): Import[] {
  return files.flatMap((from) => {
    const text = readFileSync(join(root, from), 'utf8');
    const statements = [...text.matchAll(STATEMENT)].map(([, type, names, specifier]) => ({
      from,
      to: resolve(from, specifier!),
      typesOnly: type !== undefined || onlyTypes(names),
    }));
    const dynamic = [...text.matchAll(DYNAMIC)].map(([, specifier]) => ({
      from,
      to: resolve(from, specifier!),
      typesOnly: false,
    }));
    return [...statements, ...dynamic];
  });
}

/** Whether each name between the braces is marked as a type. */
function onlyTypes(names: string | undefined): boolean {
  const inner = /^\{(.*)\}$/s.exec(names?.trim() ?? '')?.[1];
  if (inner === undefined) return false;
  return inner
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '));
}

const WORKSPACES: Record<string, string> = {
  '@realmkeep/kit': 'packages/kit/src',
  '@realmkeep/testkit': 'packages/testkit/src',
  '@realmkeep/player-state': 'services/player-state/src',
  '@realmkeep/item-location': 'services/item-location/src',
  '@realmkeep/area-stats': 'services/area-stats/src',
  '@realmkeep/portal': 'services/portal/src',
};

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  const [, workspace, rest] = /^(@realmkeep\/[^/]+)\/(.+)$/.exec(specifier) ?? [];
  const folder = workspace && WORKSPACES[workspace];
  return folder ? `${folder}/${rest}.ts` : specifier;
}
