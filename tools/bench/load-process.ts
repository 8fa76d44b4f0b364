import { type ClientHttp2Session, connect } from 'node:http2';
import { createRandom } from '../seed/random.ts';
import { createZipf } from './zipf.ts';

/** What the parent sends: whom to call with which framed requests, how many at once, and for how long. */
export type LoadOrder = {
  address: string;
  path: string;
  token: string | undefined;
  requests: Uint8Array[];
  connections: number;
  streams: number;
  warmUpSeconds: number;
  seconds: number;
  seed: number;
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
  const sessions = await Promise.all(Array.from({ length: order.connections }, () => open(order.address)));
  const bodies = order.requests.map((bytes) => Buffer.from(bytes));
  const draw = createZipf(bodies.length, createRandom(order.seed).next);
  const headers = {
    ':method': 'POST',
    ':path': order.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(order.token === undefined ? {} : { authorization: `Bearer ${order.token}` }),
  };
  const statuses: Record<string, number> = {};
  const durations: number[] = [];
  let dataBytes = 0;
  let counting = false;
  let running = true;

  const once = (session: ClientHttp2Session) =>
    new Promise<void>((resolve) => {
      const begin = performance.now();
      let status: string | undefined;
      let bytes = 0;
      const call = session.request(headers);
      const read = (fields: Record<string, unknown>) => {
        status = (fields['grpc-status'] as string | undefined) ?? status;
      };
      call.on('response', read).on('trailers', read);
      call.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      call.on('error', () => {});
      call.on('close', () => {
        if (counting) {
          const key = status ?? 'broken';
          // An answer that says OK and brings no message is none.
          const seen = key === '0' && bytes < 5 ? 'empty' : key;
          statuses[seen] = (statuses[seen] ?? 0) + 1;
          dataBytes += bytes;
          durations.push(performance.now() - begin);
        }
        resolve();
      });
      call.end(bodies[draw()]);
    });
  const lane = async (session: ClientHttp2Session) => {
    while (running) {
      await once(session);
    }
  };

  const lanes = sessions.flatMap((session) => Array.from({ length: order.streams }, () => lane(session)));
  await elapsed(order.warmUpSeconds);
  counting = true;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await elapsed(order.seconds);
  counting = false;
  const seconds = (performance.now() - begin) / 1000;
  const used = process.cpuUsage(cpu);
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
  };
}

function open(address: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`, { settings: { initialWindowSize: 1 << 20 } });
    session.once('connect', () => {
      session.setLocalWindowSize(1 << 24);
      resolve(session);
    });
    session.once('error', reject);
  });
}

function elapsed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
