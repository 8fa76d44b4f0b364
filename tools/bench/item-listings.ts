import pg from 'pg';
import { burstBeside } from './burst.ts';
import { coldSlices } from './cold-read.ts';
import { shuffle } from './draws.ts';
import { inTurns } from './figures.ts';
import { countThings, type ItemStand, LIST, listed, listRequest, withItemStand } from './item-stand.ts';
import { ownLoad } from './load.ts';
import { packRequests } from './requests.ts';
import { compareRates } from './result.ts';
import type { Row } from './row.ts';
import { openStand, type Stand } from './stand.ts';
import { postgresPids } from './stores.ts';
import { MARK } from './switchboard.ts';
import { median } from './table.ts';

/** Both sides of a page by the owner, $1. */
const PAGES = {
  one: 'select * from game_item_locations where owner_id = $1 and not consumed order by game_item_id limit 21',
  joined: 'select * from normalized_player_item_locations($1, null, 21)',
};
/** As many are listed often enough to stay in memory over its short life. */
const HOT = 1_000;
const FEW = 2_500;
const DISTINCT = 10_000;
const MOST_PER_SECOND = 6_000;

export const itemListHot: Row = {
  name: 'item-list-hot',
  about: 'ListItemLocations of players in L1, 20 things a page, beside the bare echo of the same bytes',
  run: (bench) =>
    withItemStand(bench.stand, listed(bench), async (items) => {
      const { stand, pace, load, say } = bench;
      const echo = await items.echo();
      const messages = shuffle(items.playerIds, 7).slice(0, HOT).map(listRequest);
      const target = { path: LIST, token: stand.token, requests: packRequests(messages), draw: 'zipf' as const };
      const [reference, ours] = await inTurns({
        targets: [
          { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
          { ...target, ...items.service, name: 'ListItemLocations, hot' },
        ],
        pace,
        load: () => load,
        say,
      });
      return compareRates('item-list-hot', ours!, reference!, { atLeast: 0.7 }, [
        `${HOT.toLocaleString('en')} players by Zipf, answers of ${echo.payloadBytes} bytes, ${await things(stand)}, load by ${load.name}`,
      ]);
    }),
};

export const itemListCold: Row = {
  name: 'item-list-cold',
  about: 'ListItemLocations of players that no cache holds, none twice, beside the bare echo',
  run: async (bench) => {
    const { stand, pace, say } = bench;
    const size = Math.ceil((pace.warmUpSeconds + pace.seconds) * MOST_PER_SECOND);
    if (listed(bench) < size) {
      const needed = Math.ceil((size * bench.players) / listed(bench));
      return { row: 'item-list-cold', skipped: `it needs ${needed} players for a round (--players ${needed})` };
    }
    return withItemStand(stand, listed(bench), async (items) => {
      const echo = await items.echo();
      const slices = coldSlices(items.playerIds.map(listRequest), size);
      const target = { path: LIST, token: stand.token, draw: 'each' as const, requests: packRequests([]) };
      const [reference, ours] = await inTurns({
        targets: [
          { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
          { ...target, ...items.service, storePids: postgresPids(stand.realm.stores), name: 'ListItemLocations, cold' },
        ],
        pace,
        load: () => ownLoad,
        prepare: async (planned) => {
          if (planned.address === echo.address) return { ...planned, requests: slices.any() };
          const { requests, again } = slices.next();
          // Every player was listed: the caches are emptied before the next walk.
          return again ? { ...planned, ...(await items.empty()), requests } : { ...planned, requests };
        },
        say,
      });
      return compareRates('item-list-cold', ours!, reference!, { atLeast: 0.35 }, [
        `answers of ${echo.payloadBytes} bytes, ${await things(stand)}, none read twice, load by ${ownLoad.name}`,
        `Postgres CPU a request ${ours!.storeCpuMicros.toFixed(0)} us, all nodes`,
      ]);
    });
  },
};

export const itemListGrowth: Row = {
  name: 'item-list-growth',
  about: 'CPU of a cold listing over many things, beside the same over 50,000',
  run: async (bench) => {
    const { stand, short, pace, say } = bench;
    const few = short ? 500 : FEW;
    const small = await openStand({ players: 10, say });
    const cold = { CACHE_L1_MAX_BYTES: '0' };
    try {
      return await withItemStand(small, few, (small_) =>
        withItemStand(stand, listed(bench), async (large) => {
          const sides: [Stand, ItemStand][] = [
            [small, small_],
            [stand, large],
          ];
          const targets = [];
          for (const [side, items] of sides) {
            targets.push({
              ...(await items.empty(cold)),
              name: `cold listing over ${await things(side)}`,
              path: LIST,
              token: side.token,
              draw: 'each' as const,
              requests: packRequests([]),
              storePids: postgresPids(side.realm.stores),
            });
          }
          const [reference, ours] = await inTurns({
            targets,
            // A fast machine lists the few in less than two seconds.
            pace: { ...pace, warmUpSeconds: 0.25 },
            load: () => ownLoad,
            prepare: async (planned, round) => {
              const [side, items] = planned.token === stand.token ? sides[1]! : sides[0]!;
              await side.flush();
              const ids = shuffle(items.playerIds, round).slice(0, few);
              return { ...planned, requests: packRequests(ids.map(listRequest)) };
            },
            say,
          });
          const cpu = (figures: typeof ours) => figures!.cpuMicros + figures!.storeCpuMicros;
          return {
            row: 'item-list-growth',
            unit: 'CPU us/request',
            ours: { name: ours!.name, value: cpu(ours) },
            reference: { name: reference!.name, value: cpu(reference) },
            ratio: cpu(ours) / cpu(reference),
            bar: { atMost: 1.25 },
            facts: [
              `service ${ours!.cpuMicros.toFixed(0)} beside ${reference!.cpuMicros.toFixed(0)} us, Postgres (all nodes) ${ours!.storeCpuMicros.toFixed(0)} beside ${reference!.storeCpuMicros.toFixed(0)} us`,
              `${few.toLocaleString('en')} uniform listings a round, none twice`,
            ],
            figures: [ours!, reference!],
          };
        }),
      );
    } finally {
      await small.end();
    }
  },
};

export const itemListNormalized: Row = {
  name: 'item-list-normalized',
  about: 'a page of the denormalized rows, beside the same page by joins of the normalized ones, in Postgres alone',
  run: (bench) =>
    withItemStand(bench.stand, listed(bench), async (items) => {
      const { stand, short, say } = bench;
      const client = new pg.Client({ connectionString: stand.realm.databases['item-location'].ownerUrl });
      await client.connect();
      const pages = short ? 500 : 5_000;
      const ids = shuffle(items.playerIds, 3);
      const rate = async (name: string, text: string, from: number) => {
        const begin = performance.now();
        for (let page = 0; page < pages; page += 1) {
          await client.query({ name, text, values: [ids[(from + page) % ids.length]] });
        }
        return pages / ((performance.now() - begin) / 1_000);
      };
      const rates: Record<'one' | 'joined', number[]> = { one: [], joined: [] };
      const blocks = { one: 0, joined: 0 };
      try {
        blocks.one = await blocksOf(client, PAGES.one, ids[0]!);
        blocks.joined = await blocksOf(client, PAGES.joined, ids[0]!);
        for (let round = 0; round < 3; round += 1) {
          rates.joined.push(await rate('joined', PAGES.joined, round * 2 * pages));
          rates.one.push(await rate('one', PAGES.one, (round * 2 + 1) * pages));
          say(`round ${round + 1}: ${rates.one.at(-1)!.toFixed(0)} beside ${rates.joined.at(-1)!.toFixed(0)} pages/s`);
        }
      } finally {
        await client.end();
      }
      const [ours, reference] = [median(rates.one), median(rates.joined)];
      return {
        row: 'item-list-normalized',
        unit: 'pages/s',
        ours: { name: 'denormalized rows', value: ours },
        reference: { name: 'joined rows', value: reference },
        ratio: ours / reference,
        facts: [
          `one connection, a prepared statement a page of 20, ${await things(stand)}`,
          `${blocks.one} blocks a page beside ${blocks.joined}`,
        ],
        figures: [],
      };
    }),
};

export const itemBurst: Row = {
  name: 'burst-item-location',
  about: '50,000 concurrent ListItemLocations through Envoy, hot, beside as many bare echoes through it',
  run: (bench) => {
    const distinct = Math.min(DISTINCT, listed(bench));
    return withItemStand(bench.stand, distinct, async (items) => {
      const requests = items.playerIds.slice(0, distinct).map(listRequest);
      return burstBeside(bench, {
        row: 'burst-item-location',
        service: 'item-location',
        path: LIST,
        name: 'ListItemLocations, hot',
        about: `${distinct.toLocaleString('en')} distinct players of 20 things`,
        bar: { atMost: 1.6 },
        server: () => items.service,
        echo: await items.echo(MARK),
        warmUp: true,
        requests: async () => requests,
      });
    });
  },
};

/** How many blocks of tables and indexes the page of an owner reads. */
async function blocksOf(client: pg.Client, page: string, ownerId: string): Promise<number> {
  const text = page.replace('$1', client.escapeLiteral(ownerId));
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `explain (analyze, buffers, format json) ${text}`,
  );
  const plan = rows[0]!['QUERY PLAN'][0].Plan;
  return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
}

async function things(stand: Stand): Promise<string> {
  return `${(await countThings(stand.realm.databases['item-location'].ownerUrl)).toLocaleString('en')} things`;
}
