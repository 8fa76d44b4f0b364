import { createRandom } from '../seed/random.ts';
import { cpuSeconds, familyCpuSeconds } from './cpu.ts';
import { call, callHeaders, countInto, openSession } from './http2-call.ts';
import { type Requests, requestAt } from './requests.ts';
import { createZipf } from './zipf.ts';

/** What the parent sends: whom to call with which requests, how many at once, and for how long. */
export type LoadOrder = {
  address: string;
  path: string;
  token: string | undefined;
  requests: Requests;
  /** `zipf`: drawn by Zipf's law, over and over. `each`: in order, none twice; the load ends early after the last. */
  draw: 'zipf' | 'each';
  connections: number;
  streams: number;
  warmUpSeconds: number;
  seconds: number;
  seed: number;
  /** The server's process, whose CPU is read. */
  pid: number;
  /** The stores' processes, whose CPU and their children's is read. */
  storePids?: number[];
};

/** What was counted between the end of the warm-up and the end. `statuses` is by the `grpc-status` of each answer. */
export type LoadReport = {
  seconds: number;
  answered: number;
  statuses: Record<string, number>;
  dataBytes: number;
  p50Ms: number;
  p99Ms: number;
  clientCpuSeconds: number;
  serverCpuSeconds: number;
  storeCpuSeconds: number;
};

// Plain HTTP/2 instead of a gRPC client: one core of this process must out-run one core of a grpc-js server, and a
// grpc-js client does not.
process.once('message', (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report, () => process.disconnect?.()),
    (error: Error) => {
      process.stderr.write(`load: ${error.message}\n`);
      process.exit(1);
    },
  );
});

async function run(order: LoadOrder): Promise<LoadReport> {
  const { requests, connections, streams, pid, storePids = [] } = order;
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(order.address)));
  const headers = callHeaders(order);
  const statuses: Record<string, number> = {};
  const durations: number[] = [];
  let dataBytes = 0;
  let counting = false;
  let running = true;
  let exhausted = () => {};
  const end = new Promise<void>((resolve) => {
    exhausted = resolve;
  });
  const zipf = createZipf(requests.ends.length, createRandom(order.seed).next);
  let following = 0;
  const next = () => {
    if (order.draw === 'zipf') return zipf();
    if (following === requests.ends.length) return undefined;
    following += 1;
    return following - 1;
  };
  const lane = async (session: Awaited<ReturnType<typeof openSession>>) => {
    while (running) {
      const index = next();
      if (index === undefined) {
        running = false;
        exhausted();
        return;
      }
      const begin = performance.now();
      const { status, bytes } = await call(session, headers, requestAt(requests, index));
      if (counting) {
        countInto(statuses, status);
        dataBytes += bytes;
        durations.push(performance.now() - begin);
      }
    }
  };

  const lanes = sessions.flatMap((session) => Array.from({ length: streams }, () => lane(session)));
  await Promise.race([elapsed(order.warmUpSeconds), end]);
  counting = true;
  const cpu = process.cpuUsage();
  const serverCpu = cpuSeconds(pid);
  const storeCpu = familyCpuSeconds(storePids);
  const begin = performance.now();
  await Promise.race([elapsed(order.seconds), end]);
  counting = false;
  const seconds = (performance.now() - begin) / 1000;
  const used = process.cpuUsage(cpu);
  const serverCpuSeconds = cpuSeconds(pid) - serverCpu;
  const storeCpuSeconds = familyCpuSeconds(storePids) - storeCpu;
  running = false;
  await Promise.all(lanes);
  for (const session of sessions) {
    session.close();
  }
  durations.sort((a, b) => a - b);
  return {
    seconds,
    answered: durations.length,
    statuses,
    dataBytes,
    p50Ms: durations[Math.floor(durations.length * 0.5)] ?? Number.NaN,
    p99Ms: durations[Math.floor(durations.length * 0.99)] ?? Number.NaN,
    clientCpuSeconds: (used.user + used.system) / 1e6,
    serverCpuSeconds,
    storeCpuSeconds,
  };
}

function elapsed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
}
