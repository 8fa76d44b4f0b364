import { randomUUID } from 'node:crypto';
import { createNoopMeter } from '@opentelemetry/api';
import { createPostgresNodes, type PostgresNodes, type Reader } from '@realmkeep/kit/postgres/nodes';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIGRATIONS } from '../../services/area-stats/src/migrations.ts';
import { createJob, endJob } from '../../services/area-stats/src/repository/jobs.ts';
import { deleteParkedEvents, parkEvents } from '../../services/area-stats/src/repository/parked-events.ts';
import { createRepository } from '../../services/area-stats/src/repository.ts';
import { eventIn, quiet } from '../../services/area-stats/test/valkey.ts';
import { startDatabase } from './postgres.ts';

const NAME = 'repeated-writes';
const PLAN = { events: 1, areas: 1, modes: 1, users: 1, spanSeconds: 1, seed: '1' };
const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };
const parked = (entry: string) => ({ entry, event: '{}', reason: 'INVALID_EVENT' as const, message: '' });

let database: Awaited<ReturnType<typeof startDatabase>>;
let postgres: PostgresNodes;
beforeAll(async () => {
  database = await startDatabase({ database: 'area_stats', migrations: MIGRATIONS });
  postgres = createPostgresNodes({ name: NAME, urls: database.urls, logger: quiet, meter: createNoopMeter() });
});
afterAll(async () => {
  await postgres?.close();
  await database?.stop();
});

const write = <T>(work: (primary: Reader) => Promise<T>) => postgres.write(work, { idempotent: true });

/** The backends whose commit waits for a standby, but for these. */
async function committing(but: number[] = []): Promise<number[]> {
  const waiting = await database.sql<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = $1 and wait_event = 'SyncRep' and pid <> all ($2)`,
    [NAME, but],
  );
  return waiting.map(({ pid }) => pid);
}

test('a write of area-stats that repeats one which no standby has yet is not acknowledged before one has it', async () => {
  const jobId = randomUUID();
  await write((primary) => primary.transaction((client) => createJob(client, jobId, PLAN)));
  await write((primary) => parkEvents(primary, [parked('0/1')]));
  const [{ parked_event_id: id }] = (await database.sql<{ parked_event_id: string }>(
    'select parked_event_id from parked_events',
  )) as [{ parked_event_id: string }];
  await Promise.all(database.cluster.replicas.map((replica) => replica.stop()));

  const repository = createRepository({ postgres });
  let answered = 0;
  const answering = [
    repository.recordEvents([eventIn('repeated')], LIMITS),
    write((primary) => primary.transaction((client) => createJob(client, randomUUID(), PLAN))),
    write((primary) => endJob(primary, jobId, 'CANCELLED', '')),
    write((primary) => parkEvents(primary, [parked('0/2')])),
    write((primary) => deleteParkedEvents(primary, [id])),
  ].map((answer) =>
    answer.finally(() => {
      answered += 1;
    }),
  );
  const all = (pids: number[]) => pids.length === answering.length && pids;
  const first = await until(async () => all(await committing()), { what: 'every first commit to wait' });
  // The commits stay, on this node alone, and nobody has heard of them: the writes are made again.
  for (const pid of first) await database.sql('select pg_terminate_backend($1)', [pid]);
  await until(async () => all(await committing(first)), { what: 'every repeated commit to wait' });
  expect(answered).toBe(0);

  await database.cluster.replicas[0]!.start();
  const [recorded, created, ended, , deleted] = await Promise.all(answering);
  expect(recorded).toEqual([2]);
  expect(created).toMatchObject({ state: 'QUEUED' });
  expect(ended).toMatchObject({ state: 'CANCELLED' });
  expect(deleted).toEqual([]);
  expect(await database.sql('select entry from parked_events')).toEqual([{ entry: '0/2' }]);
  await database.cluster.replicas[1]!.start();
});
