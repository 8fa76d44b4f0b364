import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { readRunningRealm } from '../local/running.ts';
import { withVerifications } from './realm.ts';
import { type Outcome, repair, type Verification, verify } from './verification.ts';

const usage = `Checks what must hold of the data of the running local system, while it serves.

  npm run verify
  npm run verify -- --repair    brings what item-location shows wrongly to what its sources say, and looks again

Prints each invariant and how many rows were checked. Where one is broken it prints the ids, at most 20, and the exit
status is 1.
`;

/** Runs the command and answers the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      repair: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { databases } = readRunningRealm();
  const urls = {
    playerState: databases['player-state'].ownerUrl,
    itemLocation: databases['item-location'].ownerUrl,
    areaStats: databases['area-stats'].ownerUrl,
  };
  const begin = performance.now();
  const outcomes = await withVerifications(urls, async (verifications) => {
    const done: Outcome[] = [];
    for (const verification of verifications) {
      let outcome = await withBar(verification);
      if (values.repair && outcome.broken > 0 && verification.repair) {
        print(outcome);
        const rows = await repair(verification);
        process.stdout.write(`repaired ${rows.toLocaleString('en')} rows\n`);
        outcome = await withBar(verification);
      }
      print(outcome);
      done.push(outcome);
    }
    return done;
  });
  const broken = outcomes.filter((outcome) => outcome.broken > 0).length;
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
  process.stdout.write(
    broken === 0
      ? `all ${outcomes.length} hold (${seconds} s)\n`
      : `${broken} of ${outcomes.length} are broken (${seconds} s)\n`,
  );
  return broken === 0 ? 0 : 1;
}

/** Shows how far it is in a terminal, and in a line now and then elsewhere. */
async function withBar(verification: Verification): Promise<Outcome> {
  const format = '{bar} {percentage}% | {value}/{total} rows | {says}';
  const options = { format, noTTYOutput: true, notTTYSchedule: 10_000, clearOnComplete: true };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(Math.max(1, await verification.rows()), 0, { says: verification.says });
  return verify(verification, (rows) => bar.increment(rows)).finally(() => bar.stop());
}

function print({ says, checked, broken, first }: Outcome): void {
  const number = (value: number) => value.toLocaleString('en');
  const verdict = broken === 0 ? 'holds ' : 'BROKEN';
  process.stdout.write(`${verdict}  ${says} (${number(checked)} rows)\n`);
  for (const { id, what } of first) process.stdout.write(`          ${id} ${what}\n`);
  if (broken > first.length) process.stdout.write(`          and ${number(broken - first.length)} more\n`);
}

process.exitCode = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 1;
});
