import { shuffle } from './draws.ts';
import { inTurns } from './figures.ts';
import { ownLoad } from './load.ts';
import { GET, getRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Row } from './row.ts';
import { openStand, type Stand } from './stand.ts';
import { postgresPids } from './stores.ts';

const SMALL = 10_000;

export const growth: Row = {
  name: 'growth',
  about: 'CPU of a cold read over many players, beside the same over few',
  run: async ({ stand, players, short, pace, say }) => {
    const few = short ? Math.max(1, Math.floor(players / 4)) : SMALL;
    if (players <= few) return { row: 'growth', skipped: `it needs more than ${few} players (--players 1000000)` };
    const small = await openStand({ players: few, say });
    try {
      // The same count of reads on both sides, with L1 off and Valkey emptied, so that each one goes to Postgres.
      const settings = { CACHE_L1_MAX_BYTES: '0' };
      const sides: [Stand, number][] = [
        [small, few],
        [stand, players],
      ];
      const targets = [];
      for (const [side, count] of sides) {
        targets.push({
          ...(await side.second(settings)),
          name: `cold read, ${count.toLocaleString('en')} players`,
          path: GET,
          token: side.token,
          draw: 'each' as const,
          requests: packRequests([]),
          storePids: postgresPids(side.realm.stores),
        });
      }
      const [reference, ours] = await inTurns({
        targets,
        pace: { ...pace, warmUpSeconds: pace.warmUpSeconds / 2 },
        load: () => ownLoad,
        prepare: async (planned, round) => {
          const side = planned.token === stand.token ? stand : small;
          await side.flush();
          return { ...planned, requests: packRequests(shuffle(side.playerIds, round).slice(0, few).map(getRequest)) };
        },
        say,
      });
      const cpu = (figures: typeof ours) => figures!.cpuMicros + figures!.storeCpuMicros;
      return {
        row: 'growth',
        unit: 'CPU us/request',
        ours: { name: ours!.name, value: cpu(ours) },
        reference: { name: reference!.name, value: cpu(reference) },
        ratio: cpu(ours) / cpu(reference),
        bar: { atMost: 1.25 },
        facts: [
          `service ${ours!.cpuMicros.toFixed(0)} beside ${reference!.cpuMicros.toFixed(0)} us, Postgres (all nodes) ${ours!.storeCpuMicros.toFixed(0)} beside ${reference!.storeCpuMicros.toFixed(0)} us`,
          `${few.toLocaleString('en')} uniform reads a round, none twice`,
        ],
        figures: [ours!, reference!],
      };
    } finally {
      await small.end();
    }
  },
};
