import { createRandom } from '../seed/random.ts';
import { call, callHeaders, openSession } from './http2-call.ts';
import { type Requests, requestAt } from './requests.ts';
import { createZipf } from './zipf.ts';

/** What the parent sends: calls are begun at that rate whether or not the ones before have ended. */
export type OpenLoadOrder = {
  address: string;
  path: string;
  token: string;
  requests: Requests;
  /** `zipf`: drawn by Zipf's law. `each`: in order, which must be as many as there are calls for none to come twice. */
  draw: 'zipf' | 'each';
  connections: number;
  perSecond: number;
  seconds: number;
  seed: number;
};

/** Times are from when a call was due, so that a late client or a full server hides nothing. */
export type OpenLoadReport = { answeredPerSecond: number; refused: number; p50Ms: number; p99Ms: number };

process.once('message', (order: OpenLoadOrder) => {
  run(order).then(
    (report) => process.send?.(report, () => process.disconnect?.()),
    (error: Error) => {
      process.stderr.write(`load: ${error.message}\n`);
      process.exit(1);
    },
  );
});

async function run(order: OpenLoadOrder): Promise<OpenLoadReport> {
  const { requests, perSecond, seconds } = order;
  const sessions = await Promise.all(Array.from({ length: order.connections }, () => openSession(order.address)));
  const headers = callHeaders(order);
  const draw = createZipf(requests.ends.length, createRandom(order.seed).next);
  const pick = (index: number) => (order.draw === 'zipf' ? draw() : index % requests.ends.length);
  const durations: number[] = [];
  let refused = 0;
  const total = Math.floor(perSecond * seconds);
  const start = performance.now();
  const calls: Promise<void>[] = [];
  const begin = async (index: number) => {
    const due = start + (index / perSecond) * 1000;
    const { status } = await call(sessions[index % sessions.length]!, headers, requestAt(requests, pick(index)));
    durations.push(performance.now() - due);
    if (status !== '0') refused += 1;
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * perSecond));
      while (calls.length < due) calls.push(begin(calls.length));
      if (calls.length === total) {
        clearInterval(timer);
        resolve();
      }
    }, 1);
  });
  await Promise.all(calls);
  const took = (performance.now() - start) / 1000;
  for (const session of sessions) session.close();
  durations.sort((a, b) => a - b);
  const at = (part: number) => durations[Math.floor(durations.length * part)] ?? Number.NaN;
  return { answeredPerSecond: (total - refused) / took, refused, p50Ms: at(0.5), p99Ms: at(0.99) };
}
