import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds } from './cpu.ts';
import type { DeliveryOrder } from './delivery-process.ts';
import { shuffle } from './draws.ts';
import type { HoldOrder } from './hold-process.ts';
import { residentBytes } from './memory.ts';
import { BATCH_GET, batchRequest, GET, getRequest, WATCH, watchRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Row } from './row.ts';
import { sampleAnswers, typicalAnswer } from './sample.ts';
import type { Server } from './stand.ts';
import { startWorker } from './worker.ts';

const WATCHES = 10_000;
const STREAMS_PER_CONNECTION = 200;
const BATCH = 250;
/** For what was read and sent to be over. */
const SETTLE_MS = 3_000;

type Held = { bytesEach: number; openedPerSecond: number; restingCpu: number };

export const watchMemory: Row = {
  name: 'watch-memory',
  about: 'memory of each of 10,000 open watches in one process, beside as many bare streams',
  run: async ({ stand, short, say }) => {
    const watches = Math.min(short ? 2_000 : WATCHES, stand.playerIds.length);
    const ids = shuffle(stand.playerIds, 7).slice(0, watches);
    const { service, token } = stand;
    const answers = await sampleAnswers({
      address: service.address,
      path: GET,
      token,
      requests: ids.slice(0, 100).map(getRequest),
    });
    const { bytes } = typicalAnswer(answers);
    // The states are in the cache before, so that only the watches are counted.
    const batches = Array.from({ length: Math.ceil(watches / BATCH) }, (_, index) =>
      batchRequest(ids.slice(index * BATCH, (index + 1) * BATCH)),
    );
    await sampleAnswers({ address: service.address, path: BATCH_GET, token, requests: batches });

    const requests = packRequests(ids.map(watchRequest));
    const connections = Math.ceil(watches / STREAMS_PER_CONNECTION);
    const order: Omit<DeliveryOrder, 'address'> = { path: WATCH, token, requests, watchesEach: 1, connections };
    const ours = await hold(service, order, watches);
    say(`${watches} watches are open: ${kilobytes(ours)} each`);
    const bare = await startWorker<{ port: number }>('hold-process.ts', {
      path: WATCH,
      answer: bytes,
    } satisfies HoldOrder);
    try {
      const address = `127.0.0.1:${bare.answer.port}`;
      const reference = await hold({ address, pid: bare.process.pid! }, order, watches);
      return {
        row: 'watch-memory',
        unit: 'bytes/watch',
        ours: { name: 'WatchPlayerState', value: ours.bytesEach },
        reference: { name: 'bare grpc-js stream', value: reference.bytesEach },
        ratio: ours.bytesEach / reference.bytesEach,
        facts: [
          `${watches} watches at once, each on a player of its own, over ${connections} connections; none ended`,
          `${kilobytes(ours)} of resident memory each beside ${kilobytes(reference)}; answers of ${bytes.length} bytes`,
          `opened at ${ours.openedPerSecond.toFixed(0)}/s beside ${reference.openedPerSecond.toFixed(0)}/s; at rest ${(ours.restingCpu * 100).toFixed(1)} % of a core`,
        ],
        figures: [],
      };
    } finally {
      bare.process.disconnect();
    }
  },
};

/** Opens the streams and lets them rest. Rejects when one ends. */
async function hold({ address, pid }: Server, order: Omit<DeliveryOrder, 'address'>, watches: number): Promise<Held> {
  await delay(SETTLE_MS);
  const before = residentBytes(pid);
  const begun = performance.now();
  const { process: watcher } = await startWorker<'watching'>('delivery-process.ts', { ...order, address });
  try {
    const openedPerSecond = (watches / (performance.now() - begun)) * 1_000;
    await delay(SETTLE_MS);
    const cpuBefore = cpuSeconds(pid);
    await delay(SETTLE_MS);
    const restingCpu = (cpuSeconds(pid) - cpuBefore) / (SETTLE_MS / 1_000);
    const bytesEach = (residentBytes(pid) - before) / watches;
    const report = await new Promise<{ ended: number }>((resolve) => {
      watcher.once('message', (message) => resolve(message as { ended: number }));
      watcher.send('report');
    });
    if (report.ended > 0) throw new Error(`${report.ended} of ${watches} watches ended`);
    return { bytesEach, openedPerSecond, restingCpu };
  } finally {
    watcher.disconnect();
  }
}

function kilobytes({ bytesEach }: Held): string {
  return `${(bytesEach / 1024).toFixed(1)} KB`;
}
