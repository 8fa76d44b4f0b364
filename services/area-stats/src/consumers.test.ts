import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createNoopMeter } from '@opentelemetry/api';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import { eventIn, openTestValkey, quiet, type TestQueue, type TestValkey } from '../test/valkey.ts';
import { type ConsumersOptions, startConsumers } from './consumers.ts';
import type { Event } from './event.ts';
import { shardOf, streamOf } from './event-queue/shard.ts';
import { createEventQueueMetrics } from './event-queue-metrics.ts';
import { createRecorder } from './recorder.ts';
import { parkEvents } from './repository/parked-events.ts';
import { createRepository } from './repository.ts';
import { createParkedEvents } from './service/parked-events.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };

let database: TestDatabase;
let valkey: TestValkey;
beforeAll(async () => {
  [database, valkey] = await Promise.all([openTestDatabase(), openTestValkey()]);
});
const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((consumers) => consumers.stop()));
});
afterAll(() => Promise.all([database.close(), valkey.close()]));

const recorder = () => createRecorder({ repository: createRepository(database), limits: LIMITS, logger: quiet });

/** The consumers of one process. */
function consume(queue: TestQueue, options: Partial<ConsumersOptions> = {}) {
  const consumers = startConsumers({
    queue,
    record: recorder().recordPatiently,
    park: (parked) => database.postgres.write((primary) => parkEvents(primary, parked)),
    metrics: createEventQueueMetrics(createNoopMeter(), queue),
    reclaimMs: 30_000,
    logger: quiet,
    ...options,
  });
  running.push(consumers);
  return consumers;
}

const emptied = (queue: TestQueue) =>
  until(async () => (await queue.lag()).entries === 0, { what: 'the queue to be empty', within: 20_000 });

const logged = (area: string) =>
  database.rows<{ event_id: string }>('select event_id from area_mode_events where area_code = $1', [area]);

const parkedRows = () =>
  database.rows<{ parked_event_id: string; reason: string; event: string }>(
    'select parked_event_id, reason, event from parked_events order by 1',
  );

test('what several producers queue while several processes consume is recorded once each, in whatever order it comes', async () => {
  const queues = await Promise.all([1, 2, 3].map(() => valkey.openQueue()));
  const events = Array.from({ length: 3_000 }, (_, n) =>
    eventIn('crowd', { userId: `user ${n % 50}`, eventName: n % 3 === 0 ? 'LOGOUT' : 'LOGIN' }),
  );
  for (const queue of queues) consume(queue);
  // Each event is sent twice, as by a caller that lost the first answer.
  await Promise.all([...events, ...events].map((event, index) => queues[index % queues.length]!.append([event])));
  await emptied(queues[0]!);
  expect((await logged('crowd')).map(({ event_id }) => event_id).sort()).toEqual(
    events.map(({ eventId }) => eventId).sort(),
  );
  const { stored, counted, defined } = await countsOf(database, 'crowd');
  expect(stored).toEqual(defined);
  expect(counted).toEqual(defined);
});

test('a consumer that is killed between its commit and its acknowledgement counts nothing twice: another one reclaims', async () => {
  const queue = await valkey.openQueue();
  const events = Array.from({ length: 200 }, (_, n) => eventIn('killed', { userId: `user ${n}` }));
  await queue.append(events);
  const child = spawn(process.execPath, [fileURLToPath(new URL('./consumers.fixture.ts', import.meta.url))], {
    env: {
      POSTGRES_URL: database.primaryUrl,
      REDIS_NODES: valkey.addresses.join(),
      REDIS_PASSWORD: valkey.password,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  const committed = (await logged('killed')).length;
  expect(committed).toBeGreaterThan(0);
  expect(await queue.lag()).toMatchObject({ entries: 200 });

  consume(queue, { reclaimMs: 100 });
  await emptied(queue);
  expect(await logged('killed')).toHaveLength(200);
  const { stored } = await countsOf(database, 'killed');
  expect(stored).toEqual([{ area_code: 'killed', multiplayer_mode: 'royale', current_count: '200' }]);
});

test('an event that is refused, one that breaks its batch and one that is none are parked, hold nothing up, and are replayed or discarded', async () => {
  const queue = await valkey.openQueue();
  const old = eventIn('parked', { userId: 'ada', eventTime: '2020-01-01T00:00:00.000000Z' });
  // No index entry holds so long a name: the database refuses whatever it comes with.
  const long = Array.from({ length: 3_000 }, () =>
    String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000)),
  ).join('');
  const poison = eventIn('parked', { userId: 'ada', multiplayerMode: long });
  const good = Array.from({ length: 50 }, () => eventIn('parked', { userId: 'ada', multiplayerMode: randomUUID() }));
  await queue.append([...good.slice(0, 25), old, poison]);
  await queue.redis.xadd(streamOf(shardOf('ada', 2)), '*', 'event', 'nonsense \u0000');
  await queue.append(good.slice(25));
  consume(queue);
  await emptied(queue);
  expect(await logged('parked')).toHaveLength(50);
  const parked = await parkedRows();
  expect(parked.map(({ reason }) => reason).sort()).toEqual(['EVENT_TOO_OLD', 'INVALID_EVENT', 'NOT_RECORDABLE']);

  const parkedEvents = createParkedEvents({
    postgres: database.postgres,
    recorder: createRecorder({
      repository: createRepository(database),
      // The operator has raised the limit.
      limits: { ...LIMITS, maxLatenessSeconds: 1_000_000_000 },
      logger: quiet,
    }),
    pageTokens: createPageTokens({ key: 'ab'.repeat(32) }),
  });
  const first = await parkedEvents.list(2, '');
  const second = await parkedEvents.list(2, first.nextPageToken);
  expect([...first.rows, ...second.rows].map(({ parked_event_id }) => parked_event_id)).toEqual(
    parked.map(({ parked_event_id }) => parked_event_id),
  );
  expect(second.nextPageToken).toBe('');

  const idOf = (reason: string) => parked.find((row) => row.reason === reason)!.parked_event_id;
  expect(await parkedEvents.replay([idOf('EVENT_TOO_OLD'), idOf('INVALID_EVENT'), '999999999'])).toEqual(
    [
      { id: idOf('EVENT_TOO_OLD'), eventId: old.eventId, outcome: { result: 'RECORDED' } },
      { id: idOf('INVALID_EVENT'), eventId: '', outcome: expect.objectContaining({ result: 'REFUSED' }) },
    ].sort((a, b) => Number(a.id) - Number(b.id)),
  );
  expect((await logged('parked')).map(({ event_id }) => event_id)).toContain(old.eventId);
  expect(await parkedRows()).toHaveLength(2);
  const rest = [idOf('INVALID_EVENT'), idOf('NOT_RECORDABLE')];
  expect((await parkedEvents.discard([...rest, '999999999'])).sort()).toEqual(rest.sort());
  expect(await parkedRows()).toEqual([]);
});

test('an entry that is not of this service is parked with all that it holds, also one whose values look like its names', async () => {
  const queue = await valkey.openQueue({ shards: 1 });
  const foreign = [
    ['payload', 'event', 'sender', 'billing'],
    ['event', '', 'payload', '7'],
  ];
  for (const fields of foreign) await queue.redis.xadd(streamOf(0), '*', ...fields);
  consume(queue);
  await emptied(queue);
  expect(await parkedRows()).toMatchObject(
    foreign.map((fields) => ({ reason: 'INVALID_EVENT', event: JSON.stringify(fields) })),
  );
  await database.rows('delete from parked_events');
});

test('an event that fails again and again while others are recorded is parked; while all fail, all wait', async () => {
  const queue = await valkey.openQueue();
  const odd = eventIn('odd', { userId: 'ada' });
  let away = true;
  const { recordPatiently } = recorder();
  const record = async (events: Event[]) => {
    if (away || events.some(({ eventId }) => eventId === odd.eventId)) throw new Error('something is wrong');
    return recordPatiently(events);
  };
  const failures = { count: 0 };
  const metrics = { ...createEventQueueMetrics(createNoopMeter(), queue), failed: () => (failures.count += 1) };
  await queue.append([odd, eventIn('odd', { userId: 'ada' })]);
  consume(queue, { record, metrics: metrics as ConsumersOptions['metrics'] });
  await until(() => failures.count >= 4, { what: 'four failures', within: 20_000 });
  expect(await parkedRows()).toEqual([]);
  expect(await queue.lag()).toMatchObject({ entries: 2 });

  away = false;
  // Others come with it, again and again.
  await until(
    async () => {
      await queue.append([eventIn('odd', { userId: 'ada' })]);
      return (await parkedRows()).length === 1;
    },
    { what: 'the event to be parked', within: 25_000, every: 200 },
  );
  await emptied(queue);
  expect(await parkedRows()).toMatchObject([
    { reason: 'NOT_RECORDABLE', event: expect.stringContaining(odd.eventId) as string },
  ]);
  expect((await logged('odd')).map(({ event_id }) => event_id)).not.toContain(odd.eventId);
});

test('after the queue has fewer shards what waits in the others is recorded, also what is still appended there', async () => {
  const before = await valkey.openQueue({ shards: 5 });
  const events = Array.from({ length: 200 }, (_, n) => eventIn('fewer', { userId: `user ${n}` }));
  await before.append(events.slice(0, 150));
  const queue = await valkey.openQueue({ shards: 2 });
  const beyond = [2, 3, 4];
  const told: unknown[] = [];
  consume(queue, { logger: { ...quiet, warn: (...words: unknown[]) => void told.push(words) } });
  await until(() => told.length > 0, { what: 'the shards left over to be found' });
  expect(told).toEqual([[{ left: beyond }, expect.any(String)]]);
  await before.append(events.slice(150));
  // What is left over counts in how much waits.
  await emptied(queue);
  expect(await before.lag()).toMatchObject({ entries: 0 });
  expect(await logged('fewer')).toHaveLength(200);
});

test('stopping finishes what is in work and leaves no consumer behind', async () => {
  const queue = await valkey.openQueue({ shards: 1, consumer: 'draining' });
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { recordPatiently } = recorder();
  const consumers = consume(queue, {
    record: async (events) => {
      begin();
      await gate;
      return recordPatiently(events);
    },
  });
  await queue.append([eventIn('drain')]);
  await begun;
  let stopped = false;
  const stopping = consumers.stop().then(() => {
    stopped = true;
  });
  await queue.append([eventIn('drain')]);
  expect(stopped).toBe(false);
  open();
  await stopping;
  expect(await logged('drain')).toHaveLength(1);
  expect(await queue.lag()).toMatchObject({ entries: 1 });
  const left = await queue.redis.xinfo('CONSUMERS', streamOf(0), 'area-stats');
  expect(JSON.stringify(left)).not.toContain('draining');
});
