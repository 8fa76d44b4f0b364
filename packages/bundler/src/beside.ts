import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What npm packages read of their own while they run, by package. */
const OF_PACKAGES: Record<string, string[]> = {
  'grpc-health-check': ['proto'],
  '@grpc/reflection': ['build/proto'],
  'swagger-ui-dist': ['package.json', 'swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png', 'LICENSE'],
};

/**
 * Copies what is read beside the code, to the same places below `out`: of a workspace the `files` of its package.json,
 * of an npm package what is known to be read.
 *
 * @param workspaces folders from the root, `packages/kit`
 * @param packages names of npm packages
 */
export function copyBeside({
  root,
  out,
  workspaces,
  packages,
}: {
  root: string;
  out: string;
  workspaces: string[];
  packages: string[];
}): void {
  const paths = [
    ...workspaces.flatMap((folder) => filesOf(join(root, folder)).map((file) => join(folder, file))),
    ...packages.flatMap((name) => (OF_PACKAGES[name] ?? []).map((file) => join('node_modules', name, file))),
  ];
  for (const path of paths) cpSync(join(root, path), join(out, path), { recursive: true, dereference: true });
}

function filesOf(folder: string): string[] {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return [];
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { files?: string[] }).files ?? [];
}
