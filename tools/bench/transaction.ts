import { onPath } from '@realmkeep/testkit/parts/on-path';
import { shuffle } from './draws.ts';
import { type Figures, summarize } from './figures.ts';
import { ownLoad } from './load.ts';
import type { LoadReport } from './load-process.ts';
import { openPgbench } from './pgbench.ts';
import { APPLY, creditRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Row } from './row.ts';
import { postgresPids } from './stores.ts';
import { median } from './table.ts';

const CLIENTS = [8, 32, 64];
const CONNECTIONS = 4;
// More than any process commits a second, so that no round runs out of requests.
const MOST_PER_SECOND = 6_000;

export const transaction: Row = {
  name: 'transaction',
  about: 'ApplyTransaction committed a second, beside the same row work by pgbench on the same server',
  run: async ({ stand, pace, short, say }) => {
    const program = onPath('pgbench');
    if (program === undefined) {
      return { row: 'transaction', skipped: 'pgbench is not installed: Debian has it in the package postgresql' };
    }
    const { realm, service, token } = stand;
    const pgbench = await openPgbench({ program, url: realm.databases['player-state'].ownerUrl });
    try {
      const warmUpSeconds = pace.warmUpSeconds / 2;
      const seconds = Math.max(2, pace.seconds / 2);
      const players = shuffle(stand.playerIds, 4);
      const wanted = Math.ceil((warmUpSeconds + seconds) * MOST_PER_SECOND);
      const reports = new Map<number, LoadReport[]>(CLIENTS.map((clients) => [clients, []]));
      const rates = new Map<number, number[]>(CLIENTS.map((clients) => [clients, []]));
      for (let round = 1; round <= (short ? 1 : pace.rounds); round += 1) {
        for (const clients of CLIENTS) {
          rates.get(clients)!.push(await pgbench.run({ clients, seconds: Math.ceil(seconds) }));
          const requests = Array.from({ length: wanted }, (_, index) =>
            creditRequest(players[index % players.length]!),
          );
          const report = await ownLoad.run({
            ...service,
            storePids: postgresPids(realm.stores),
            path: APPLY,
            token,
            requests: packRequests(requests),
            draw: 'each',
            connections: CONNECTIONS,
            streams: clients / CONNECTIONS,
            warmUpSeconds,
            seconds,
            seed: round,
          });
          reports.get(clients)!.push(report);
          say(
            `round ${round}, ${clients} clients: pgbench ${rates.get(clients)!.at(-1)!.toFixed(0)}/s, ApplyTransaction ${JSON.stringify(report.statuses)} in ${report.seconds.toFixed(1)} s`,
          );
        }
      }
      const figures = CLIENTS.map((clients) =>
        summarize(`ApplyTransaction, ${clients} in flight`, reports.get(clients)!),
      );
      const ours = best(figures);
      const references = CLIENTS.map((clients) => ({ clients, perSecond: median(rates.get(clients)!) }));
      const reference = references.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
      return {
        row: 'transaction',
        unit: 'commits/s',
        ours: { name: ours.name, value: ours.perSecond },
        reference: { name: `pgbench, ${reference.clients} clients`, value: reference.perSecond },
        ratio: ours.perSecond / reference.perSecond,
        bar: { atLeast: 0.6 },
        facts: [
          `a credit of one player drawn uniformly; the best of ${CLIENTS.join(', ')} at once on each side; fsync on, two asynchronous replicas`,
          `ours ${figures.map((each) => each.perSecond.toFixed(0)).join(', ')}; pgbench ${references.map((each) => each.perSecond.toFixed(0)).join(', ')}`,
          `p50 ${ours.p50Ms.toFixed(1)} ms, p99 ${ours.p99Ms.toFixed(1)} ms; CPU a commit: service ${ours.cpuMicros.toFixed(0)} us, Postgres (all nodes) ${ours.storeCpuMicros.toFixed(0)} us`,
        ],
        figures,
      };
    } finally {
      await pgbench.end();
    }
  },
};

function best(figures: Figures[]): Figures {
  return figures.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
}
