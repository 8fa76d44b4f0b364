import { onPath } from '@realmkeep/testkit/parts/on-path';
import { loadByH2load } from './h2load.ts';
import type { LoadOrder, LoadReport } from './load-process.ts';
import { startWorker } from './worker.ts';

/** A load generator: calls as ordered and reports what was answered. */
export type Load = { name: string; run: (order: LoadOrder) => Promise<LoadReport> };

/** A process of our own: every order can be carried out by it. */
export const ownLoad: Load = {
  name: 'node:http2 client process',
  run: async (order) => (await startWorker<LoadReport>('load-process.ts', order)).answer,
};

/** h2load where it is installed and wanted, which draws a few requests a round by Zipf, else a process of our own. */
export function zipfLoad({ own }: { own: boolean }): Load {
  const h2load = own ? undefined : onPath('h2load');
  return h2load === undefined ? ownLoad : { name: 'h2load', run: (order) => loadByH2load(h2load, order) };
}
