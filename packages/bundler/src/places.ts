import { readFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import type { Plugin } from 'esbuild';

/** Put in front of every file of a bundle: what `require` and places need there. A bundle is one folder below its root. */
export const PLACES_BANNER = `import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __pathOf } from 'node:url';
const require = __createRequire(import.meta.url);
const __place = (path) => new URL(path, new URL('../', import.meta.url)).href;`;

const PLACE = /\bimport\.meta\.(url|dirname|filename)\b|\b__(dirname|filename)\b/g;

/**
 * Lets a bundled file find what it reads beside itself. It sees the place that it has in the repository, with the root of
 * the bundle in the stead of the repository's, so that a file copied to the same place there is found.
 */
export function placesOf(root: string): Plugin {
  return {
    name: 'places',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (text.search(PLACE) < 0) return undefined;
        const file = relative(root, path);
        const contents = text.replace(PLACE, (_word, ofMeta?: string, ofModule?: string) => {
          const kind = ofMeta ?? ofModule;
          if (kind === 'url') return place(file);
          return `__pathOf(${place(kind === 'dirname' ? dirname(file) : file)})`;
        });
        return { contents, loader: path.endsWith('ts') ? 'ts' : 'js' };
      });
    },
  };
}

function place(path: string): string {
  return `__place(${JSON.stringify(path)})`;
}
