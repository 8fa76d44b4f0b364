import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderChart, STORES } from './render.ts';
import { reviewedFile, reviewedText } from './reviewed.ts';

/** Writes what the chart renders for each kind of stores into the checkout; says so when there is no helm to do it. */
export async function writeReviewed({ root, say }: { root: string; say: (line: string) => void }): Promise<void> {
  for (const stores of STORES) {
    const file = reviewedFile(stores);
    try {
      const { status, output } = await renderChart({ root, stores });
      if (status !== 0) throw new Error(`helm template failed (status ${status}):\n${output.trim()}`);
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), reviewedText(output));
      say(file);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
      say(`no ${file}: helm is not there`);
    }
  }
}
