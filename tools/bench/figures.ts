import type { Load } from './load.ts';
import type { LoadOrder, LoadReport } from './load-process.ts';
import { median } from './table.ts';

/** Whom to load with what. */
export type Target = Pick<LoadOrder, 'address' | 'path' | 'token' | 'requests' | 'draw' | 'pid' | 'storePids'> & {
  name: string;
};

/** The shape of a load. */
export type Pace = {
  rounds: number;
  warmUpSeconds: number;
  seconds: number;
  connections: number;
  streams: number;
};

/** The medians over the rounds of one target. CPU is of the server's process, in microseconds a request. */
export type Figures = {
  name: string;
  perSecond: number;
  cpuMicros: number;
  /** Of the stores that were named, likewise. */
  storeCpuMicros: number;
  p50Ms: number;
  p99Ms: number;
  rounds: number[];
  /** Every call that was not answered with a message and status OK, by grpc-status. */
  refused: Record<string, number>;
};

/**
 * Loads the targets in turns, round by round, each with the same load. Rejects when most calls of a round fail; fewer are
 * counted in the figures.
 */
export async function inTurns(options: {
  targets: Target[];
  pace: Pace;
  load: (target: Target) => Load;
  /** Before each load, which is not measured. Answers the target as it is then. */
  prepare?: (target: Target, round: number) => Promise<Target>;
  say: (line: string) => void;
}): Promise<Figures[]> {
  const { targets, pace, load, prepare, say } = options;
  const reports = targets.map((): LoadReport[] => []);
  for (let round = 1; round <= pace.rounds; round += 1) {
    for (const [index, planned] of targets.entries()) {
      const target = (await prepare?.(planned, round)) ?? planned;
      const { name, ...whom } = target;
      const report = await load(target).run({ ...whom, ...pace, seed: round });
      const failed = sum(Object.values(refusedOf(report)));
      if (report.answered === 0 || failed > report.answered / 2) {
        throw new Error(`${name}: most calls failed, by grpc-status: ${JSON.stringify(report.statuses)}`);
      }
      reports[index]!.push(report);
    }
    const rates = targets.map(({ name }, index) => `${name} ${Math.round(rate(reports[index]!.at(-1)!))}/s`);
    say(`round ${round} of ${pace.rounds}: ${rates.join(', ')}`);
  }
  return targets.map(({ name }, index) => summarize(name, reports[index]!));
}

/** The figures of one target from its rounds. */
export function summarize(name: string, reports: LoadReport[]): Figures {
  const middle = (read: (report: LoadReport) => number) => median(reports.map(read));
  const refused: Record<string, number> = {};
  for (const report of reports) {
    for (const [status, count] of Object.entries(refusedOf(report))) {
      refused[status] = (refused[status] ?? 0) + count;
    }
  }
  return {
    name,
    perSecond: middle(rate),
    cpuMicros: middle(({ serverCpuSeconds, answered }) => (serverCpuSeconds / answered) * 1e6),
    storeCpuMicros: middle(({ storeCpuSeconds, answered }) => (storeCpuSeconds / answered) * 1e6),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    rounds: reports.map((report) => Math.round(rate(report))),
    refused,
  };
}

function rate({ statuses, seconds }: LoadReport): number {
  return (statuses['0'] ?? 0) / seconds;
}

function refusedOf({ statuses }: LoadReport): Record<string, number> {
  return Object.fromEntries(Object.entries(statuses).filter(([status]) => status !== '0'));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
