import { cpus } from 'node:os';
import { create, toBinary } from '@bufbuild/protobuf';
import { GetPlayerStateRequestSchema } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import pg from 'pg';
import { createRandom } from '../seed/random.ts';
import { cpuSeconds } from './cpu.ts';
import type { EchoOrder } from './echo-process.ts';
import { frame } from './grpc-frame.ts';
import { chooseLoad } from './load.ts';
import { startBenchRealm } from './realm.ts';
import { sampleAnswers, typicalAnswer } from './sample.ts';
import { median } from './table.ts';
import { startWorker } from './worker.ts';
import { createZipf } from './zipf.ts';

export type HotReadOptions = {
  players: number;
  rounds: number;
  warmUpSeconds: number;
  seconds: number;
  connections: number;
  streams: number;
  say: (line: string) => void;
};

/** The medians over the rounds of one target. CPU is of the server's process, in microseconds a request. */
export type TargetResult = { perSecond: number; cpuMicros: number; p50Ms: number; p99Ms: number; rounds: number[] };

export type HotReadResult = {
  bench: 'hot-read';
  note: string;
  ratio: number;
  cpuRatio: number;
  ours: TargetResult;
  reference: TargetResult;
  sources: Record<string, number>;
  answerBytes: number;
  players: number;
  inFlight: number;
  connections: number;
  load: string;
  cores: number;
  cpu: string;
  node: string;
};

const path = '/realmkeep.player_state.v1.PlayerStateService/GetPlayerState';

/**
 * GetPlayerState of players drawn by Zipf through one player-state process, past the ingress, beside a bare grpc-js
 * server that hands over ready bytes of the same size with the same response headers: in one run, in turns.
 * Rejects when any call of either is not answered with a message and status OK.
 */
export async function benchHotRead(options: HotReadOptions): Promise<HotReadResult> {
  const { players, rounds, connections, streams, warmUpSeconds, seconds, say } = options;
  const { realm, end } = await startBenchRealm({ service: 'player-state', players, seed: 1, say });
  let echo: Awaited<ReturnType<typeof startWorker<{ port: number }>>> | undefined;
  try {
    const requests = (await playerIds(realm.databases['player-state'].ownerUrl)).map((playerId) =>
      toBinary(GetPlayerStateRequestSchema, create(GetPlayerStateRequestSchema, { playerId })),
    );
    const service = realm.services['player-state'][0];
    const token = await realm.token({ role: 'server', subject: 'bench' });
    const draw = createZipf(requests.length, createRandom(1).next);
    const drawn = Array.from({ length: 300 }, () => requests[draw()]!);
    const answers = await sampleAnswers({ address: service.address, path, token, requests: drawn });
    const { bytes, headers } = typicalAnswer(answers);
    echo = await startWorker<{ port: number }>('echo-process.ts', { path, answer: bytes, headers } satisfies EchoOrder);

    const load = chooseLoad(onPath('h2load'));
    const framed = requests.map(frame);
    const measure = async (address: string, pid: number, seed: number) => {
      const before = cpuSeconds(pid);
      const target = { address, path, token, requests: framed };
      const report = await load.run({ ...target, connections, streams, warmUpSeconds, seconds, seed });
      // The warm-up is part of the process's CPU but not of the count: it runs at the same rate.
      const share = seconds / (seconds + warmUpSeconds);
      const cpuMicros = (((cpuSeconds(pid) - before) * share) / report.answered) * 1e6;
      const refused = Object.entries(report.statuses).filter(([status]) => status !== '0');
      if (refused.length > 0 || report.answered === 0) {
        throw new Error(`not every call was answered, by grpc-status: ${JSON.stringify(report.statuses)}`);
      }
      return { perSecond: report.answered / report.seconds, cpuMicros, p50Ms: report.p50Ms, p99Ms: report.p99Ms };
    };
    const ours: Round[] = [];
    const reference: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      reference.push(await measure(`127.0.0.1:${echo.answer.port}`, echo.process.pid!, round));
      ours.push(await measure(service.address, service.pid!, round));
      say(`round ${round} of ${rounds}: echo ${rate(reference)}/s, GetPlayerState ${rate(ours)}/s`);
    }
    const [mine, bare] = [summarize(ours), summarize(reference)];
    return {
      bench: 'hot-read',
      note: 'no cache yet: every read is a query',
      ratio: mine.perSecond / bare.perSecond,
      cpuRatio: bare.cpuMicros / mine.cpuMicros,
      ours: mine,
      reference: bare,
      sources: countSources(answers.map((answer) => answer.headers['realmkeep-source'] ?? 'untold')),
      answerBytes: bytes.length,
      players,
      inFlight: connections * streams,
      connections,
      load: load.name,
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? 'unknown',
      node: process.version,
    };
  } finally {
    echo?.process.disconnect();
    await end();
  }
}

type Round = Omit<TargetResult, 'rounds'>;

function rate(rounds: Round[]): string {
  return Math.round(rounds.at(-1)!.perSecond).toLocaleString('en');
}

function summarize(rounds: Round[]): TargetResult {
  const middle = (read: (round: Round) => number) => median(rounds.map(read));
  return {
    perSecond: middle((round) => round.perSecond),
    cpuMicros: middle((round) => round.cpuMicros),
    p50Ms: middle((round) => round.p50Ms),
    p99Ms: middle((round) => round.p99Ms),
    rounds: rounds.map((round) => Math.round(round.perSecond)),
  };
}

function countSources(sources: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const source of sources) {
    counts[source] = (counts[source] ?? 0) + 1;
  }
  return counts;
}

async function playerIds(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ player_id: string }>('select player_id from players order by player_id');
    return rows.map((row) => row.player_id);
  } finally {
    await client.end();
  }
}
