import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { readRunningRealm } from '../local/running.ts';
import { type Progress, seedRealm } from './seed.ts';

const usage = `Fills the databases of the running local system, by bulk load.

  npm run seed -- [--players <number>] [--seed <number>]

  --players   how many players the seed has in the end; default 10,000. Each has some 5 things and 10 ledger entries
  --seed      which players; default 1. The same seed makes the same players, another one makes more of them
`;

/** Runs the command and answers the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      players: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const players = wholeNumber('--players', values.players, 10_000_000);
  const seed = wholeNumber('--seed', values.seed, 2 ** 31 - 1);
  const { databases } = readRunningRealm();
  const begin = performance.now();
  const bar = createBar();
  const added = await seedRealm({
    urls: {
      playerState: databases['player-state'].ownerUrl,
      itemLocation: databases['item-location'].ownerUrl,
      areaStats: databases['area-stats'].ownerUrl,
    },
    players,
    seed,
    progress: bar,
  }).finally(bar.stop);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const number = (value: number) => value.toLocaleString('en');
  const nothing = Object.values(added).every((value) => value === 0);
  process.stdout.write(
    nothing
      ? `the ${number(players)} players of seed ${seed} are there already: nothing was changed (${seconds} s)\n`
      : `added in ${seconds} s: ${number(added.players)} players, ${number(added.items)} things, ` +
          `${number(added.ledgerEntries)} ledger entries, ${number(added.itemLocations)} item locations, ` +
          `${number(added.events)} events, ${number(added.catalogItems)} catalog items (seed ${seed})\n`,
  );
  return 0;
}

/** Progress as a bar in a terminal, and as a line now and then elsewhere. */
function createBar(): Progress & { stop: () => void } {
  const format = '{phase} |{bar}| {percentage}% | {value}/{total} players | {duration_formatted}';
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: 5_000 }, Presets.shades_classic);
  return {
    begin: (phase, total) => {
      bar.stop();
      bar.start(total, 0, { phase: phase.padEnd(17) });
    },
    advance: (players) => bar.increment(players),
    stop: () => bar.stop(),
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text.replaceAll(/[,_]/g, ''));
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${name} is a whole number from 1 to ${most}, not "${text}"`);
  }
  return value;
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 1;
});
