import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRandom } from '../seed/random.ts';
import { cpuSeconds } from './cpu.ts';
import { FRAME_HEADER } from './grpc-frame.ts';
import type { LoadOrder, LoadReport } from './load-process.ts';
import { requestAt } from './requests.ts';
import { sampleAnswers } from './sample.ts';
import { createZipf } from './zipf.ts';

const run = promisify(execFile);

// Answers of one player differ in the bytes that their `as_of` takes, by this much at most.
const TIME_VARIES = 8;

/**
 * Loads by h2load. It sends one body a process, so as many processes as there are connections run at once, each
 * calling one player drawn by Zipf. h2load counts HTTP 200, which a gRPC refusal is too, but a refusal brings no data:
 * what is short of `succeeded` answers of that player's size is counted as `refused`. Quantiles are not told.
 */
export async function loadByH2load(program: string, order: LoadOrder): Promise<LoadReport> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-bench-'));
  const draw = createZipf(order.requests.ends.length, createRandom(order.seed).next);
  const requests = Array.from({ length: order.connections }, () => requestAt(order.requests, draw()));
  const files = requests.map((request, index) => {
    const file = join(folder, `${index}.bin`);
    writeFileSync(file, request);
    return file;
  });
  try {
    const { address, path, token } = order;
    const messages = requests.map((request) => request.subarray(FRAME_HEADER));
    const answers = await sampleAnswers({ address, path, token, requests: messages });
    const all = (seconds: number) => Promise.all(files.map((file) => loadOne(program, order, file, seconds)));
    // The warm-up is a run of its own: h2load's counts of data would include it.
    await all(order.warmUpSeconds);
    const cpu = cpuSeconds(order.pid);
    const counts = await all(order.seconds);
    const serverCpuSeconds = cpuSeconds(order.pid) - cpu;
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const answered = sum(counts.map((count) => count.succeeded));
    const refused = sum(
      counts.map(({ succeeded, dataBytes }, index) => {
        const size = FRAME_HEADER + answers[index]!.bytes.length - TIME_VARIES;
        return Math.max(0, Math.ceil((succeeded * size - dataBytes) / size));
      }),
    );
    return {
      seconds: order.seconds,
      answered,
      statuses: nonZero({ 0: answered - refused, refused, broken: sum(counts.map((count) => count.failed)) }),
      dataBytes: sum(counts.map((count) => count.dataBytes)),
      p50Ms: Number.NaN,
      p99Ms: Number.NaN,
      clientCpuSeconds: Number.NaN,
      serverCpuSeconds,
      storeCpuSeconds: Number.NaN,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loadOne(program: string, order: LoadOrder, file: string, seconds: number): Promise<H2loadCounts> {
  const { stdout } = await run(program, [
    ...['--clients', '1', '--max-concurrent-streams', String(order.streams), '--duration', String(seconds)],
    ...['--data', file, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    ...(order.token === undefined ? [] : ['-H', `authorization: Bearer ${order.token}`]),
    `http://${order.address}${order.path}`,
  ]);
  return parseH2load(stdout);
}

function nonZero(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

type H2loadCounts = { succeeded: number; failed: number; dataBytes: number };

/** Reads the counts and the data bytes of a run of h2load. Throws when the output is not one. */
function parseH2load(output: string): H2loadCounts {
  const requests = /(\d+) succeeded, (\d+) failed/.exec(output);
  const traffic = /\((\d+)\) data/.exec(output);
  if (requests === null || traffic === null) {
    throw new Error(`h2load did not report its counts: ${output.slice(-500)}`);
  }
  return { succeeded: Number(requests[1]), failed: Number(requests[2]), dataBytes: Number(traffic[1]) };
}
