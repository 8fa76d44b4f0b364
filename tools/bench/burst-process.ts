import { call, callHeaders, countInto, openSession } from './http2-call.ts';
import { type Requests, requestAt } from './requests.ts';

/** What the parent sends: connections times streams calls, all at once. */
export type BurstOrder = {
  address: string;
  path: string;
  token: string;
  requests: Requests;
  connections: number;
  streams: number;
};

export type BurstReport = {
  /** From the first call's begin to the last one's end. */
  seconds: number;
  statuses: Record<string, number>;
  dataBytes: number;
  p50Ms: number;
  p99Ms: number;
  clientCpuSeconds: number;
};

process.once('message', (order: BurstOrder) => {
  run(order).then(
    (report) => process.send?.(report, () => process.disconnect?.()),
    (error: Error) => {
      process.stderr.write(`burst: ${error.message}\n`);
      process.exit(1);
    },
  );
});

async function run({ address, requests, connections, streams, ...rest }: BurstOrder): Promise<BurstReport> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(address)));
  const headers = callHeaders(rest);
  const statuses: Record<string, number> = {};
  const durations: number[] = [];
  let dataBytes = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const one = async (index: number) => {
    const request = requestAt(requests, index % requests.ends.length);
    const { status, bytes } = await call(sessions[index % connections]!, headers, request);
    countInto(statuses, status);
    dataBytes += bytes;
    durations.push(performance.now() - start);
  };
  await Promise.all(Array.from({ length: connections * streams }, (_, index) => one(index)));
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  for (const session of sessions) session.close();
  durations.sort((a, b) => a - b);
  return {
    seconds,
    statuses,
    dataBytes,
    p50Ms: durations[Math.floor(durations.length * 0.5)] ?? Number.NaN,
    p99Ms: durations[Math.floor(durations.length * 0.99)] ?? Number.NaN,
    clientCpuSeconds: (used.user + used.system) / 1e6,
  };
}
