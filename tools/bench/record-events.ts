import pg from 'pg';
import type { ServiceProcess } from '../local/service-process.ts';
import { batchesOf, copyRows, drawEvents, RECORD_EVENTS, recordRequest } from './area-events.ts';
import { makeHistory } from './area-history.ts';
import { openCopyLoad } from './copy-load.ts';
import { type Figures, summarize } from './figures.ts';
import { ownLoad } from './load.ts';
import type { LoadReport } from './load-process.ts';
import { packRequests } from './requests.ts';
import type { Bench, Row } from './row.ts';
import type { Stand } from './stand.ts';
import { postgresPids } from './stores.ts';
import { median } from './table.ts';

/** Events of a request, and rows of a COPY. */
const BATCH = 1_000;
/** Requests in flight, and clients that COPY. */
const AT_ONCE = [4, 16, 32];
/** Events of history for each player that is seeded: 20 million for 100,000. */
const HISTORY = 200;

export const recordEvents: Row = {
  name: 'record-events',
  about: 'events committed a second by RecordEvents, beside COPY of as many rows into a table like the event log',
  run: (bench) =>
    withAreaStats(bench.stand, async (process) => {
      const { stand, players, pace, short, say } = bench;
      const url = stand.realm.databases['area-stats'].ownerUrl;
      const events = short ? 40_000 : 200_000;
      const reports = new Map<number, LoadReport[]>(AT_ONCE.map((atOnce) => [atOnce, []]));
      const rates = new Map<number, number[]>(AT_ONCE.map((atOnce) => [atOnce, []]));
      const copy = await openCopyLoad(url);
      try {
        // The first events of all users make their presences, which is not what recording costs from then on.
        await record(bench, process, { events: players * 6, atOnce: 8, seed: 1_000 });
        for (let round = 1; round <= pace.rounds; round += 1) {
          for (const atOnce of AT_ONCE) {
            const batches = batchesOf(drawEvents({ events, users: players, seed: round }), BATCH).map(copyRows);
            rates.get(atOnce)!.push(await copy.run({ batches, rows: events, clients: atOnce }));
            const report = await record(bench, process, { events, atOnce, seed: round * 100 + atOnce });
            reports.get(atOnce)!.push(report);
            say(
              `round ${round}, ${atOnce} at once: COPY ${rates.get(atOnce)!.at(-1)!.toFixed(0)} rows/s, RecordEvents ${((report.answered * BATCH) / report.seconds).toFixed(0)} events/s`,
            );
          }
        }
        await expectExact(url);
      } finally {
        await copy.end();
      }
      const figures = AT_ONCE.map((atOnce) => summarize(`RecordEvents, ${atOnce} in flight`, reports.get(atOnce)!));
      const ours = best(figures);
      const references = AT_ONCE.map((atOnce) => ({ atOnce, perSecond: median(rates.get(atOnce)!) }));
      const reference = references.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
      return {
        row: 'record-events',
        unit: 'events/s',
        ours: { name: ours.name, value: ours.perSecond * BATCH },
        reference: { name: `COPY, ${reference.atOnce} clients`, value: reference.perSecond },
        ratio: (ours.perSecond * BATCH) / reference.perSecond,
        bar: { atLeast: 0.3 },
        facts: [
          `${BATCH.toLocaleString('en')} events a request and rows a COPY; of ${players.toLocaleString('en')} users, each in 3 of 500 areas and modes; the best of ${AT_ONCE.join(', ')} at once on each side; fsync on, two asynchronous replicas`,
          `ours ${figures.map((each) => (each.perSecond * BATCH).toFixed(0)).join(', ')}; COPY ${references.map((each) => each.perSecond.toFixed(0)).join(', ')}`,
          cpuFact(ours),
          'afterwards every count equals the users whose latest event in the log is LOGIN',
        ],
        figures,
      };
    }),
};

export const recordGrowth: Row = {
  name: 'record-growth',
  about: 'CPU of recording an event over a long history, beside that over none',
  run: (bench) =>
    withAreaStats(bench.stand, async (process) => {
      const { stand, players, pace, short, say } = bench;
      const events = short ? 40_000 : 200_000;
      const measure = async (name: string, seed: number) => {
        // What the presences of the users cost is the same on both sides, and paid before.
        await record(bench, process, { events: players * 2, atOnce: 4, seed });
        const reports: LoadReport[] = [];
        for (let round = 1; round <= pace.rounds; round += 1) {
          reports.push(await record(bench, process, { events, atOnce: 4, seed: seed + round }));
        }
        return summarize(name, reports);
      };
      const reference = await measure('an empty history', 1);
      const history = players * HISTORY;
      say(`making a history of ${history.toLocaleString('en')} events`);
      await makeHistory(stand, { events: history, users: players * 10, say });
      const ours = await measure(`a history of ${history.toLocaleString('en')} events`, 1_000);
      const cpu = ({ cpuMicros, storeCpuMicros }: Figures) => (cpuMicros + storeCpuMicros) / BATCH;
      return {
        row: 'record-growth',
        unit: 'CPU us/event',
        ours: { name: ours.name, value: cpu(ours) },
        reference: { name: reference.name, value: cpu(reference) },
        ratio: cpu(ours) / cpu(reference),
        bar: { atMost: 1.25 },
        facts: [
          `with the history: ${cpuFact(ours)}`,
          `without: ${cpuFact(reference)}`,
          `events a second ${(ours.perSecond * BATCH).toFixed(0)} beside ${(reference.perSecond * BATCH).toFixed(0)}`,
          'the history has its ids, its log over the last 6 days, and the presences of ten times the users of the load, and is in memory',
        ],
        figures: [ours, reference],
      };
    }),
};

async function withAreaStats<T>(stand: Stand, act: (process: ServiceProcess) => Promise<T>): Promise<T> {
  const [process] = stand.realm.services['area-stats'] as [ServiceProcess];
  await process.start();
  try {
    return await act(process);
  } finally {
    await process.stop();
  }
}

/** Records so many new events, and answers once all are acknowledged. Rejects when one request is not. */
async function record(
  { stand, players }: Pick<Bench, 'stand' | 'players'>,
  { address, pid }: ServiceProcess,
  { events, atOnce, seed }: { events: number; atOnce: number; seed: number },
): Promise<LoadReport> {
  const batches = batchesOf(drawEvents({ events, users: players, seed }), BATCH);
  const report = await ownLoad.run({
    address,
    pid: pid!,
    storePids: postgresPids(stand.realm.stores),
    path: RECORD_EVENTS,
    token: stand.token,
    requests: packRequests(batches.map(recordRequest)),
    draw: 'each',
    connections: 1,
    streams: atOnce,
    warmUpSeconds: 0,
    seconds: 600,
    seed,
  });
  const refused = Object.entries(report.statuses).filter(([status]) => status !== '0');
  if (refused.length > 0) throw new Error(`RecordEvents was refused, by grpc-status: ${JSON.stringify(refused)}`);
  return report;
}

/** Throws when a count is not what the event log says. Seeded users are in no area of the load. */
async function expectExact(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(`
      with latest as (
        select distinct on (area_code, multiplayer_mode, user_id) area_code, multiplayer_mode, event_name
        from area_mode_events order by area_code, multiplayer_mode, user_id, event_time desc, event_id desc
      ), defined as (
        select area_code, multiplayer_mode, count(*) as users from latest where event_name = 'LOGIN' group by 1, 2
      )
      select from defined full join area_mode_events_agg using (area_code, multiplayer_mode)
      where coalesce(users, 0) <> coalesce(current_count, 0)`);
    if (rows.length > 0) throw new Error(`${rows.length} counts are not what the log says`);
  } finally {
    await client.end();
  }
}

function cpuFact({ cpuMicros, storeCpuMicros }: Figures): string {
  return `CPU an event: service ${(cpuMicros / BATCH).toFixed(1)} us, Postgres (all nodes) ${(storeCpuMicros / BATCH).toFixed(1)} us`;
}

function best(figures: Figures[]): Figures {
  return figures.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
}
