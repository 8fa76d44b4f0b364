import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { killChildrenOnExit } from '@realmkeep/testkit/parts/child';
import { STATE_FOLDER } from '../local/running.ts';
import { zipfLoad } from './load.ts';
import { picture } from './picture.ts';
import { SHARED_BUFFERS_MB } from './realm.ts';
import { report } from './report.ts';
import type { Result } from './result.ts';
import type { Bench } from './row.ts';
import { ROWS } from './rows.ts';
import { openStand } from './stand.ts';

const DOCS = fileURLToPath(new URL('../../docs/bench', import.meta.url));

const usage = `Benchmarks, each beside its reference in the same run.

  npm run bench -- <row>... | all [--short] [--players <number>] [--rounds <number>] [--seconds <number>] [--service <name>] [--name <name>] [--own-load]

${ROWS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}

  --short      fewer players, rounds and seconds: to see that it works. Written to .realmkeep/bench, else to docs/bench
  --players    how many are seeded; default 100,000 (short: 2,000)
  --service    burst of that service: player-state (default), item-location, area-stats
  --name       of the files that are written, such as item-location; default those of the rows
  --own-load   our load process also where h2load is installed, which sends one request a connection and no quantiles
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** Runs the benchmarks that are named and answers the exit status: 1 when one of them could not be run to its end. */
async function main(): Promise<number> {
  const { values, positionals: given } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean', default: false },
      players: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      service: { type: 'string', default: 'player-state' },
      name: { type: 'string' },
      'own-load': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { service } = values;
  const positionals = given.map((name) => (name === 'burst' && service !== 'player-state' ? `burst-${service}` : name));
  const rows = ROWS.filter(({ name }) => positionals.includes(name) || positionals.includes('all'));
  const unknown = positionals.filter((name) => name !== 'all' && !ROWS.some((row) => row.name === name));
  if (values.help || rows.length === 0 || unknown.length > 0) {
    process.stdout.write(usage);
    for (const name of unknown) say(`there is no bench "${name}"`);
    return values.help ? 0 : 1;
  }
  const { short } = values;
  const players = number(values.players, short ? 2_000 : 100_000);
  const pace = {
    rounds: number(values.rounds, short ? 2 : 5),
    warmUpSeconds: short ? 1 : 3,
    seconds: number(values.seconds, short ? 2 : 8),
    connections: 4,
    streams: 16,
  };
  const stand = await openStand({ players, say });
  const results: Result[] = [];
  let failed = false;
  try {
    const bench: Bench = { stand, players, pace, short, load: zipfLoad({ own: values['own-load'] }), say };
    for (const row of rows) {
      say(`${row.name}: ${row.about}`);
      try {
        results.push(await row.run(bench));
      } catch (error) {
        failed = true;
        say((error as Error).stack ?? '');
        results.push({ row: row.name, skipped: `it failed: ${(error as Error).message}` });
      }
    }
  } finally {
    await stand.end();
  }
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version };
  const about = `${players.toLocaleString('en')} players; ${machine.cores} cores shared by load, service and stores (${machine.cpu}); ${(SHARED_BUFFERS_MB / 1024).toFixed(1)} GB of shared buffers a Postgres node; Node ${machine.node}; ${new Date().toISOString().slice(0, 10)}`;
  process.stdout.write(`\n${report(results)}\n  ${about}\n`);
  const folder = short ? join(STATE_FOLDER, 'bench') : DOCS;
  mkdirSync(folder, { recursive: true });
  const name = values.name ?? (positionals.includes('all') ? 'all' : rows.map((row) => row.name).join('+'));
  const file = join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ players, pace, machine, results }, undefined, 2)}\n`);
  writeFileSync(join(folder, `${name}.svg`), picture(results, about));
  process.stdout.write(`  written to ${file} and ${name}.svg\n`);
  return failed ? 1 : 0;
}

function number(text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`"${text}" is not a number above 0`);
  return value;
}

// Ctrl-C ends every process that was started.
killChildrenOnExit();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.exitCode = await main().catch((error: Error) => {
  say(error.message);
  return 1;
});
