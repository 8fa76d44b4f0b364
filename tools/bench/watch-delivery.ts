import type { ChildProcess } from 'node:child_process';
import { cpuSeconds } from './cpu.ts';
import type { DeliveryOrder, DeliveryReport } from './delivery-process.ts';
import { shuffle } from './draws.ts';
import { summarize } from './figures.ts';
import { hotReads } from './hot-read.ts';
import { ownLoad } from './load.ts';
import type { LoadReport } from './load-process.ts';
import type { OpenLoadOrder, OpenLoadReport } from './open-load-process.ts';
import { APPLY, creditRequest, WATCH, watchRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Bench, Row } from './row.ts';
import { median } from './table.ts';
import { startWorker } from './worker.ts';

const WRITERS = { connections: 4, streams: 8 };
const MOST_PER_SECOND = 6_000;

type Wave = DeliveryReport & { writes: number; cpuMicros: number };

export const watchDelivery: Row = {
  name: 'watch',
  about: 'states a second that WatchPlayerState delivers while they are written, beside unary hot reads',
  run: async (bench) => {
    const { stand, pace, short, say } = bench;
    const { service, token } = stand;
    const [players, watchesEach] = short ? [10, 10] : [50, 100];
    const ids = shuffle(stand.playerIds, 6).slice(0, players);
    const reads = await hotReads({ stand });
    const order: DeliveryOrder = {
      ...service,
      path: WATCH,
      token,
      requests: packRequests(ids.map(watchRequest)),
      watchesEach,
      connections: 25,
    };
    const unary: LoadReport[] = [];
    const full: Wave[] = [];
    const half: Wave[] = [];
    for (let round = 1; round <= pace.rounds; round += 1) {
      const { name: _, ...hot } = reads.ours(service);
      unary.push(await ownLoad.run({ ...hot, ...pace, seed: round }));
      const { process: watcher } = await startWorker<'watching'>('delivery-process.ts', order);
      try {
        full.push(await measure(watcher, service.pid, () => writeAll(bench, ids)));
        const perSecond = full.at(-1)!.writes / full.at(-1)!.seconds / 2;
        half.push(await measure(watcher, service.pid, () => writeAt(bench, ids, perSecond)));
      } finally {
        watcher.disconnect();
      }
      say(
        `round ${round}: ${[full, half].map((waves) => `${rate(waves.at(-1)!).toFixed(0)} delivered/s`).join(', half load ')}`,
      );
    }
    const hot = summarize('unary hot reads', unary);
    const middle = (waves: Wave[], read: (wave: Wave) => number) => median(waves.map(read));
    const value = middle(full, rate);
    const written = (waves: Wave[]) => middle(waves, ({ writes, seconds }) => writes / seconds).toFixed(0);
    const ended = [...full, ...half].reduce((sum, wave) => sum + wave.ended, 0);
    return {
      row: 'watch',
      unit: 'states/s',
      ours: { name: 'WatchPlayerState', value },
      reference: { name: hot.name, value: hot.perSecond },
      ratio: value / hot.perSecond,
      bar: { atLeast: 2 },
      facts: [
        `${players * watchesEach} watches, ${watchesEach} on each of ${players} players; ${written(full)} commits/s by ${WRITERS.connections * WRITERS.streams} writers in a closed loop; ${ended} watches ended`,
        `at half load (${written(half)} commits/s): ${middle(half, rate).toFixed(0)} delivered/s, commit to delivery p50 ${middle(half, (wave) => wave.p50Ms).toFixed(1)} ms, p99 ${middle(half, (wave) => wave.p99Ms).toFixed(1)} ms (bar 100), counted from before the commit`,
        `service CPU a delivery ${middle(full, (wave) => wave.cpuMicros).toFixed(0)} us, the writes' included, beside ${hot.cpuMicros.toFixed(0)} us a unary read; load by ${ownLoad.name}`,
      ],
      figures: [hot],
    };
  },
};

function rate({ deliveries, seconds }: DeliveryReport): number {
  return deliveries / seconds;
}

/** What is delivered while `write` runs, which answers how many writes it made. */
async function measure(watcher: ChildProcess, pid: number, write: () => Promise<number>): Promise<Wave> {
  await ask(watcher);
  const before = cpuSeconds(pid);
  const writes = await write();
  const report = await ask(watcher);
  return { ...report, writes, cpuMicros: ((cpuSeconds(pid) - before) / report.deliveries) * 1e6 };
}

function ask(watcher: ChildProcess): Promise<DeliveryReport> {
  return new Promise((resolve, reject) => {
    watcher.once('message', (report) => resolve(report as DeliveryReport));
    watcher.once('exit', () => reject(new Error('the process that watches ended')));
    watcher.send('report');
  });
}

async function writeAll({ stand, pace }: Bench, ids: string[]): Promise<number> {
  const report = await ownLoad.run({
    ...stand.service,
    ...WRITERS,
    path: APPLY,
    token: stand.token,
    requests: credits(ids, pace.seconds * MOST_PER_SECOND),
    draw: 'each',
    warmUpSeconds: 0,
    seconds: pace.seconds,
    seed: 1,
  });
  return report.statuses['0'] ?? 0;
}

async function writeAt({ stand, pace }: Bench, ids: string[], perSecond: number): Promise<number> {
  const order: OpenLoadOrder = {
    address: stand.service.address,
    path: APPLY,
    token: stand.token,
    requests: credits(ids, Math.ceil(perSecond * pace.seconds)),
    draw: 'each',
    connections: WRITERS.connections,
    perSecond,
    seconds: pace.seconds,
    seed: 1,
  };
  const { answer } = await startWorker<OpenLoadReport>('open-load-process.ts', order);
  return perSecond * pace.seconds - answer.refused;
}

function credits(ids: string[], count: number) {
  return packRequests(Array.from({ length: count }, (_, index) => creditRequest(ids[index % ids.length]!)));
}
