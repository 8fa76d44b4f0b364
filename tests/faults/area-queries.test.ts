import { randomUUID } from 'node:crypto';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAreaStage } from './area-stage.ts';
import { forSure } from './for-sure.ts';

const AREAS = 50;
const READERS = 10_000;
const CONNECTIONS = 4;
const TTL_MS = 1_000;
const TTLS = 3;

let stage: Awaited<ReturnType<typeof startAreaStage>>;
beforeAll(async () => {
  stage = await startAreaStage({ replicas: 2 });
});
afterAll(() => stage?.stop());

/** How often areas were read from the database, as every node of Postgres itself counts. */
async function queries(): Promise<number> {
  const nodes = await stage.sqlOnAll<{ calls: number }>(
    `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query like '%from area_mode_events_agg%as_of()%'`,
  );
  return nodes.reduce((sum, { calls }) => sum + calls, 0);
}

test('10,000 readers at once, of 50 areas in two processes, cost at most one query for each area and time to live', async () => {
  const areas = Array.from({ length: AREAS }, (_, index) => `many ${index}`);
  const events = areas.map((areaCode) => ({
    eventId: randomUUID(),
    areaCode,
    multiplayerMode: 'royale',
    userId: 'ada',
    eventName: 'LOGIN',
  }));
  await stage.sql('create extension pg_stat_statements');
  await forSure(() => stage.clients[0]!.recordEvents({ events }));
  await forSure(() => stage.clients[1]!.recordEvents({ events }));
  await stage.replicated();
  expect(await queries()).toBe(0);

  // As many connections to a process as the ingress has.
  const connections = await Promise.all(
    Array.from({ length: 2 * CONNECTIONS }, (_, index) => stage.connect(AreaStatsService, index % 2)),
  );
  const begun = performance.now();
  let answers = 0;
  const readers = Array.from({ length: READERS }, async (_, reader) => {
    const client = connections[reader % connections.length]!;
    for (let index = reader; performance.now() - begun < TTLS * TTL_MS; index += 1) {
      const { modes } = await client.getAreaStats({ areaCode: areas[index % AREAS]! }, { timeoutMs: 60_000 });
      expect(modes).toMatchObject([{ multiplayerMode: 'royale', currentCount: 1n }]);
      answers += 1;
    }
  });
  await Promise.all(readers);
  const ttls = Math.ceil((performance.now() - begun) / TTL_MS);
  const made = await queries();
  console.log(`${answers} answers in ${ttls} times to live cost ${made} queries for ${AREAS} areas`);
  expect(answers).toBeGreaterThanOrEqual(READERS);
  expect(made).toBeGreaterThanOrEqual(AREAS);
  expect(made).toBeLessThanOrEqual(AREAS * (ttls + 1));
}, 120_000);
