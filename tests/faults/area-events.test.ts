import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Outcome_Result } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom, type Random } from '../../tools/seed/random.ts';
import { startAreaStage } from './area-stage.ts';
import { forSure } from './for-sure.ts';
import { countsOf, randomEvents, type SentEvent } from './random-events.ts';

/** How many different events are sent: few among all tests; FAULT_EVENTS=1000000 for the whole. */
const EVENTS = Number(process.env.FAULT_EVENTS ?? 20_000);
const WRITERS = 8;
/** How often a replica is killed, in turn, and how often a connection is, evenly over the whole. */
const KILLS = Math.max(2, Math.floor(EVENTS / 50_000));
const BREAKS = KILLS * 10;

let stage: Awaited<ReturnType<typeof startAreaStage>>;
beforeAll(async () => {
  stage = await startAreaStage({ replicas: 2 });
});
afterAll(() => stage?.stop());

const requestOf = ({ atMs, ...event }: SentEvent) => ({ ...event, epochTimestamp: timestampFromMs(atMs) });

/** Sends events by one of the ways there are, again and again until they are acknowledged; none may be refused. */
async function send(random: Random, events: SentEvent[]): Promise<void> {
  const requests = events.map(requestOf);
  const way = random.between(1, 10);
  // Each try through any replica, as behind a balancer.
  const any = () => random.pick(stage.clients);
  if (way === 1) {
    for (const request of requests.slice(0, 20)) await forSure(() => any().recordEvent(request));
  }
  if (way <= 4) {
    const parts = [requests.slice(0, requests.length >> 1), requests.slice(requests.length >> 1)];
    const messages = parts.filter((part) => part.length > 0).map((part) => ({ events: part }));
    const { refused, recorded, duplicate } = await forSure(() => any().streamEvents(messages, { timeoutMs: 30_000 }));
    expect({ refused, answered: recorded + duplicate }).toEqual({ refused: 0n, answered: BigInt(events.length) });
    return;
  }
  const { outcomes } = await forSure(() => any().recordEvents({ events: requests }));
  expect(outcomes.filter(({ result }) => result === Outcome_Result.REFUSED)).toEqual([]);
  expect(outcomes.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId));
}

/** Ends the session of some recording in progress; answers how many there were, one or none. */
async function breakOne(): Promise<number> {
  const ended = await stage.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and state = 'active' and query like '%record_events(%'
       and pid <> pg_backend_pid() limit 1`,
  );
  return ended.length;
}

test('random events, doubled and out of order, whoever is killed meanwhile: the counts of both replicas equal the model', async () => {
  const random = createRandom(EVENTS);
  const runId = `f${Date.now().toString(36)}`;
  const sent = randomEvents(random, { events: EVENTS, runId });
  let next = 0;
  let killed = 0;
  let tried = 0;
  let broken = 0;

  /** Does the harm that is due, while the other writers go on. */
  async function harm(): Promise<void> {
    const done = next / sent.length;
    if (done > (killed + 0.5) / KILLS) {
      killed += 1;
      await stage.restart(killed % stage.clients.length);
    }
    if (done > (tried + 0.5) / BREAKS) {
      tried += 1;
      broken += await breakOne();
    }
  }

  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const own = createRandom(EVENTS, writer + 1);
      while (next < sent.length) {
        const from = next;
        next += own.between(1, Math.min(1_000, Math.ceil(EVENTS / 100)));
        await Promise.all([send(own, sent.slice(from, next)), harm()]);
      }
    }),
  );

  const expected = countsOf(sent);
  const [log] = await stage.sql<{ events: number; ids: number }>(
    'select count(*)::int as events, count(distinct event_id)::int as ids from area_mode_events',
  );
  expect(log).toEqual({ events: EVENTS, ids: EVENTS });
  for (const client of stage.clients) {
    for (const [areaCode, modes] of expected) {
      const read = async () => {
        const { modes: answered } = await forSure(() => client.getAreaStats({ areaCode }));
        return Object.fromEntries(answered.map((mode) => [mode.multiplayerMode, Number(mode.currentCount)]));
      };
      // What was cached while events came is over after a time to live of a second.
      await expect.poll(read, { message: areaCode, timeout: 30_000 }).toEqual(Object.fromEntries(modes));
    }
  }
  console.log(`${sent.length} sent of ${EVENTS} events; ${killed} replicas killed, ${broken} connections broken`);
  expect(killed).toBe(KILLS);
}, 3_600_000);
