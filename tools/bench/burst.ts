import type { ServiceName } from '../local/service-names.ts';
import type { BurstOrder, BurstReport } from './burst-process.ts';
import { cpuSeconds, familyCpuSeconds } from './cpu.ts';
import { shuffle } from './draws.ts';
import { hotReads } from './hot-read.ts';
import { GET, getRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Bar, Compared } from './result.ts';
import type { Bench, Row } from './row.ts';
import type { Echo, Server } from './stand.ts';
import { createSwitchboard, MARK } from './switchboard.ts';
import { median } from './table.ts';
import { startWorker } from './worker.ts';

const CONNECTIONS = 50;
const DISTINCT = 10_000;

type Wave = BurstReport & { active: number; serverCpu: number; envoyCpu: number };

export const burst: Row = {
  name: 'burst',
  about: '50,000 concurrent GetPlayerState through Envoy, hot, beside as many bare echoes through it',
  run: (bench) => run(bench, 'burst', { atMost: 1.3 }),
};

export const coldBurst: Row = {
  name: 'burst-cold',
  about: 'the same of players that no cache holds',
  run: (bench) => run(bench, 'burst-cold', { atMost: 2 }),
};

async function run(bench: Bench, row: 'burst' | 'burst-cold', bar: Bar): Promise<Compared> {
  const { stand, players } = bench;
  const { echo } = await hotReads(bench, { mark: MARK });
  const distinct = Math.min(DISTINCT, players);
  const order = shuffle(stand.playerIds, 5);
  const hot = order.slice(0, distinct).map(getRequest);
  return burstBeside(bench, {
    row,
    service: 'player-state',
    path: GET,
    name: `GetPlayerState, ${row === 'burst' ? 'hot' : 'cold'}`,
    about: `${distinct.toLocaleString('en')} distinct players`,
    bar,
    server: () => stand.service,
    echo,
    warmUp: row === 'burst',
    requests: async (round) => {
      if (row === 'burst' || round === 0) return hot;
      // Players that were not read before; once all were, the caches and the process begin anew.
      const ids = order.slice(round * distinct, (round + 1) * distinct);
      if (ids.length < distinct) {
        await stand.empty();
        return hot;
      }
      await stand.flush();
      return ids.map(getRequest);
    },
  });
}

/** What is called by all at once. */
export type Burst = {
  row: string;
  service: ServiceName;
  path: string;
  /** What the row's own side is called, and what it reads, in words. */
  name: string;
  about: string;
  bar?: Bar;
  /** The process as it is now. */
  server: () => Server;
  echo: Echo;
  /** The messages of that round, from 1; of round 0 those of the echo. Called before the round's calls of ours. */
  requests: (round: number) => Promise<Uint8Array[]>;
  /** Whether a wave that is not measured goes before ours. */
  warmUp: boolean;
};

/** 50,000 calls at once through Envoy, beside as many bare echoes through it, in turns. */
export async function burstBeside(bench: Bench, burst: Burst): Promise<Compared> {
  const { stand, short, say, pace } = bench;
  const { realm, token } = stand;
  const { row, service, path, name, bar, echo, server } = burst;
  const streams = short ? 50 : 1_000;
  const total = CONNECTIONS * streams;
  await realm.envoy.start();
  try {
    const first = await burst.requests(0);
    const envoy = createSwitchboard({ stand, service, server, echo, probe: { path, request: first.at(-1)! } });
    const wave = async (messages: Uint8Array[], pid: number): Promise<Wave> => {
      const requests = packRequests(messages);
      const order: BurstOrder = { address: envoy.address, path, token, requests, connections: CONNECTIONS, streams };
      const before = [cpuSeconds(pid), familyCpuSeconds([realm.envoy.pid!])] as const;
      const { answer, active } = await envoy.watching(
        async () => (await startWorker<BurstReport>('burst-process.ts', order)).answer,
      );
      const serverCpu = cpuSeconds(pid) - before[0];
      return { ...answer, active, serverCpu, envoyCpu: familyCpuSeconds([realm.envoy.pid!]) - before[1] };
    };
    const echoes: Wave[] = [];
    const ours: Wave[] = [];
    for (let round = 1; round <= Math.min(3, pace.rounds); round += 1) {
      await envoy.toEcho();
      echoes.push(await wave(first, echo.pid));
      const messages = await burst.requests(round);
      await envoy.toService();
      if (burst.warmUp && round === 1) await wave(messages, server().pid);
      ours.push(await wave(messages, server().pid));
      say(`round ${round}: ${[echoes, ours].map((waves) => `${waves.at(-1)!.seconds.toFixed(1)} s`).join(' echo, ')}`);
    }
    const seconds = (waves: Wave[]) => median(waves.map((each) => each.seconds));
    const [reference, mine] = [seconds(echoes), seconds(ours)];
    return {
      row,
      unit: `s for ${total.toLocaleString('en')}`,
      ours: { name, value: mine },
      reference: { name: 'bare echo, same Envoy', value: reference },
      ratio: mine / reference,
      ...(bar && { bar }),
      facts: [
        `${CONNECTIONS} connections of ${streams} streams, ${burst.about}, answers of ${echo.payloadBytes} bytes; medians of ${ours.length} rounds`,
        describe(name, ours, total),
        describe('bare echo', echoes, total),
      ],
      figures: [],
    };
  } finally {
    await realm.envoy.stop();
  }
}

function describe(name: string, waves: Wave[], total: number): string {
  const low = (read: (wave: Wave) => number) => Math.min(...waves.map(read));
  const middle = (read: (wave: Wave) => number) => median(waves.map(read)).toFixed(1);
  const refused = waves.reduce((sum, { statuses }) => sum + total - (statuses['0'] ?? 0), 0);
  return `${name}: in flight at once ${low(({ active }) => active).toLocaleString('en')} of ${total.toLocaleString('en')} in the lowest round, by Envoy's gauge; refused ${refused}${refused > 0 ? ` (${JSON.stringify(waves.map(({ statuses }) => statuses))})` : ''}; p50 ${middle(({ p50Ms }) => p50Ms / 1000)} s, p99 ${middle(({ p99Ms }) => p99Ms / 1000)} s; CPU s: server ${middle(({ serverCpu }) => serverCpu)}, Envoy ${middle(({ envoyCpu }) => envoyCpu)}, client ${middle(({ clientCpuSeconds }) => clientCpuSeconds)}; ${low(({ dataBytes }) => dataBytes).toLocaleString('en')} data bytes at least`;
}
