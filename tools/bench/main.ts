import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { STATE_FOLDER } from '../local/running.ts';
import { benchHotRead, type HotReadResult, type TargetResult } from './hot-read.ts';
import { table } from './table.ts';

const usage = `Benchmarks, each beside its reference in the same run.

  npm run bench -- hot-read [--short] [--players <number>] [--rounds <number>]

  hot-read    GetPlayerState of one player process, beside a bare grpc-js server with ready bytes
  --short     fewer players and rounds: under a minute
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** Runs the benchmark that is named and answers the exit status. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean', default: false },
      players: { type: 'string' },
      rounds: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [bench] = positionals;
  if (values.help || bench !== 'hot-read') {
    process.stdout.write(usage);
    return values.help ? 0 : 1;
  }
  const result = await benchHotRead({
    players: Number(values.players ?? (values.short ? 2_000 : 10_000)),
    rounds: Number(values.rounds ?? (values.short ? 3 : 5)),
    warmUpSeconds: 1,
    seconds: values.short ? 2 : 8,
    connections: 4,
    streams: 16,
    say,
  });
  process.stdout.write(describe(result));
  const folder = join(STATE_FOLDER, 'bench');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${bench}-${new Date().toISOString().replaceAll(':', '')}.json`);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  process.stdout.write(`  written to ${file}\n`);
  return 0;
}

function describe(result: HotReadResult): string {
  const row = (name: string, target: TargetResult) => [
    name,
    Math.round(target.perSecond).toLocaleString('en'),
    number(target.cpuMicros),
    number(target.p50Ms),
    number(target.p99Ms),
  ];
  const rows = [
    ['', 'requests/s', 'server CPU us/request', 'p50 ms', 'p99 ms'],
    row('GetPlayerState, one process', result.ours),
    row('bare grpc-js, ready bytes', result.reference),
    ['ratio', result.ratio.toFixed(2), result.cpuRatio.toFixed(2), '', ''],
  ];
  const sources = Object.entries(result.sources).map(([source, count]) => `${source} ${count}`);
  return `
hot-read (${result.note})
${table(rows)}
  ${result.players.toLocaleString('en')} players drawn by Zipf, answers of ${result.answerBytes} bytes, ${result.inFlight} in flight over ${result.connections} connections
  ${result.cores} cores shared by load, server and Postgres; load by ${result.load}; Node ${result.node}; sources sampled: ${sources.join(', ')}
`;
}

function number(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(value < 10 ? 1 : 0);
}

process.exitCode = await main().catch((error: Error) => {
  say(error.message);
  return 1;
});
