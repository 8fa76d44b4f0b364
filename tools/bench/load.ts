import { loadByH2load } from './h2load.ts';
import type { LoadOrder, LoadReport } from './load-process.ts';
import { startWorker } from './worker.ts';

/** A load generator: calls as ordered and reports what was answered. */
export type Load = { name: string; run: (order: LoadOrder) => Promise<LoadReport> };

/** h2load where it is installed, else a process of our own. */
export function chooseLoad(h2load: string | undefined): Load {
  if (h2load !== undefined) {
    return { name: 'h2load', run: (order) => loadByH2load(h2load, order) };
  }
  return {
    name: 'node:http2 client process',
    run: async (order) => (await startWorker<LoadReport>('load-process.ts', order)).answer,
  };
}
