import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { slotOf } from '@realmkeep/kit/redis/slot';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventIn, openTestValkey, quiet, type TestQueue, type TestValkey } from '../../test/valkey.ts';
import { createEventQueue } from './queue.ts';
import { shardOf, streamOf } from './shard.ts';

const SHARDS = 6;

let valkey: TestValkey;
let queue: TestQueue;
beforeAll(async () => {
  valkey = await openTestValkey({ masters: 3 });
  queue = await valkey.openQueue({ shards: SHARDS });
});
beforeEach(async () => {
  await Promise.all(Array.from({ length: SHARDS }, (_, shard) => queue.redis.del(streamOf(shard))));
});
afterAll(() => valkey.close());

const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

/** The code of a call that fails, and after how many milliseconds to retry. */
async function faultOf(call: Promise<unknown>) {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (fault: unknown) => fault,
  );
  if (!(error instanceof RpcError)) throw error;
  const retry = error.details.find((detail) => detail.$typeName === 'google.rpc.RetryInfo');
  return { code: error.code, retry: retry?.retryDelay !== undefined };
}

async function readAll(from: TestQueue, shards = SHARDS) {
  return (await Promise.all(Array.from({ length: shards }, (_, shard) => from.read(shard, 10_000)))).flat();
}

test('events come out as they went in, each once, those of a user in their order, spread over all shards and masters', async () => {
  const users = Array.from({ length: 60 }, (_, user) => `user ${user}`);
  const sent = Array.from({ length: 40 }, () => users.map((userId) => eventIn('order', { userId }))).flat();
  sent[7]!.eventTime = '2026-11-22T20:00:00.123456Z';
  await Promise.all([queue.append(sent.slice(0, 1_200)), queue.append(sent.slice(1_200))]);

  expect(await queue.lag()).toMatchObject({ entries: 2_400 });
  const entries = await readAll(queue);
  const got = entries.map(({ event }) => event!);
  expect(got).toHaveLength(2_400);
  for (const userId of users) {
    const ids = (events: { userId: string; eventId: string }[]) =>
      events.filter((event) => event.userId === userId).map(({ eventId }) => eventId);
    expect(ids(got)).toEqual(ids(sent));
  }
  const known = new Map(sent.map((event) => [event.eventId, event]));
  for (const event of got) expect(event).toEqual({ ...known.get(event.eventId)!, eventTime: event.eventTime });
  expect(got.find(({ eventId }) => eventId === sent[7]!.eventId)!.eventTime).toBe('2026-11-22T20:00:00.123456Z');
  expect(new Set(entries.map(({ shard }) => shard)).size).toBe(SHARDS);
  const masters = await Promise.all(queue.redis.nodes('master').map((node) => node.dbsize()));
  expect(masters.every((keys) => keys > 0)).toBe(true);
  expect(await readAll(queue)).toEqual([]);
});

test('an event without a time has that of its queueing, strictly increasing in a shard, also when the clock goes back', async () => {
  const shard = shardOf('ada', SHARDS);
  const ahead = (Date.now() + 60_000) * 1_000;
  const before = eventIn('clock', { userId: 'ada' });
  await queue.append([before]);
  // As if the primary before this one had a clock that was a minute ahead.
  await queue.redis.xadd(streamOf(shard), `${ahead}-0`, 'event', '{}');
  await queue.append([eventIn('clock', { userId: 'ada' }), eventIn('clock', { userId: 'ada' })]);
  const [first, odd, ...later] = await queue.read(shard, 10);
  expect(Math.abs(Date.parse(first!.event!.eventTime) - Date.now())).toBeLessThan(60_000);
  expect(odd!.event).toBeUndefined();
  expect(later.map(({ id }) => id)).toEqual([`${ahead + 1}-0`, `${ahead + 2}-0`]);
  const micros = (time: string) => Date.parse(time) * 1_000 + Number(time.slice(-4, -1));
  expect(later.map(({ event }) => micros(event!.eventTime))).toEqual([ahead + 1, ahead + 2]);
});

test('a shard that is full refuses with RESOURCE_EXHAUSTED and a delay, drops nothing, and takes more once entries are settled', async () => {
  const small = await valkey.openQueue({ shards: 1, capacity: 10 });
  const events = Array.from({ length: 10 }, () => eventIn('full'));
  await small.append(events);
  expect(await faultOf(small.append([eventIn('full')]))).toEqual({ code: RESOURCE_EXHAUSTED, retry: true });
  const entries = await small.read(0, 10);
  expect(entries.map(({ event }) => event!.eventId)).toEqual(events.map(({ eventId }) => eventId));
  // What is in work still takes its place.
  expect(await faultOf(small.append([eventIn('full')]))).toEqual({ code: RESOURCE_EXHAUSTED, retry: true });
  await small.settle(0, entries.slice(0, 3));
  await small.append([eventIn('full'), eventIn('full'), eventIn('full')]);
  expect(await small.lag()).toMatchObject({ entries: 10 });
});

test('of events that come together those are stored for which there is room, and the others refused', async () => {
  const small = await valkey.openQueue({ shards: 1, capacity: 10 });
  // The first goes by itself, and what comes meanwhile is more than a shard holds.
  const events = Array.from({ length: 31 }, () => eventIn('together'));
  const settled = await Promise.allSettled(events.map((event) => small.append([event])));
  expect(settled.map(({ status }) => status === 'fulfilled')).toEqual(events.map((_, index) => index < 10));
  for (const { reason } of settled.slice(10) as PromiseRejectedResult[]) {
    expect(await faultOf(Promise.reject(reason))).toEqual({ code: RESOURCE_EXHAUSTED, retry: true });
  }
  const stored = (await small.read(0, 100)).map(({ event }) => event!.eventId);
  expect(stored).toEqual(events.slice(0, 10).map(({ eventId }) => eventId));
});

test('what a consumer that is gone had in work is reclaimed by another one, and a consumer that is gone is removed once it has none', async () => {
  const [gone, heir] = [await valkey.openQueue({ shards: 1 }), await valkey.openQueue({ shards: 1 })];
  const consumers = async () => ((await heir.redis.xinfo('CONSUMERS', streamOf(0), 'area-stats')) as unknown[]).length;
  await gone.append([eventIn('reclaim'), eventIn('reclaim'), eventIn('reclaim')]);
  const taken = await gone.read(0, 10);
  await gone.leave(0);
  expect(await consumers()).toBe(1);

  expect(await heir.reclaim(0, 60_000, 500)).toBe(0);
  expect(await heir.readAgain(0, 500)).toEqual([]);
  // Nothing is given out twice while its consumer gives signs of life: reading it again is one.
  expect(await gone.readAgain(0, 10)).toEqual(taken);
  await until(async () => (await heir.reclaim(0, 50, 500)) === 3, { what: 'the entries to be idle' });
  expect(await heir.readAgain(0, 500)).toEqual(taken);
  await until(
    async () => {
      await heir.reclaim(0, 50, 500);
      return (await consumers()) === 1;
    },
    { what: 'the consumer that is gone to be removed' },
  );

  await heir.settle(0, taken);
  await heir.settle(0, taken);
  expect(await heir.lag()).toEqual({ entries: 0, oldestAgeMs: 0 });
  await heir.leave(0);
  expect(await consumers()).toBe(0);
});

test('a queue of more than 64 shards is refused', () => {
  const { redis } = queue;
  const durability = { replicas: 0, fsync: false, waitMs: 1_000 };
  const options = {
    clients: { appending: redis, consuming: redis },
    consumer: 'x',
    capacity: 1,
    durability,
    logger: quiet,
  };
  expect(() => createEventQueue({ ...options, shards: 65 })).toThrow('at most 64 shards, not 65');
});

test('a group that is lost begins again with the oldest entry that is left', async () => {
  await queue.append([eventIn('group', { userId: 'ada' })]);
  const shard = shardOf('ada', SHARDS);
  const [entry] = await queue.read(shard, 10);
  await queue.redis.xgroup('DESTROY', streamOf(shard), 'area-stats');
  expect(await queue.read(shard, 10)).toEqual([entry]);
});

test('events are acknowledged only with as many copies as were asked for: else UNAVAILABLE with a delay', async () => {
  for (const durability of [
    { replicas: 1, fsync: false, waitMs: 50 },
    { replicas: 0, fsync: true, waitMs: 50 },
  ]) {
    const demanding = await valkey.openQueue({ shards: SHARDS, durability });
    expect(await faultOf(demanding.append([eventIn('copies')])), JSON.stringify(durability)).toEqual({
      code: UNAVAILABLE,
      retry: true,
    });
  }
});

test('with an append-only file events can be acknowledged once they are on disk, and outlive the server that is killed', async () => {
  const durable = await openTestValkey({ appendonly: true });
  try {
    const disk = await durable.openQueue({ durability: { replicas: 0, fsync: true, waitMs: 5_000 } });
    await disk.append(Array.from({ length: 1_000 }, () => eventIn('disk')));
    const [taken] = await disk.read(0, 1);
    await durable.nodes[0]!.kill();
    await durable.nodes[0]!.start();
    await until(async () => (await disk.lag()).entries === 1_000, { what: 'the events after the restart' });
    // What was in work is so still.
    expect(await disk.readAgain(0, 10)).toEqual([taken]);
  } finally {
    await durable.close();
  }
});

test('a shard that has moved to another server takes events at once', async () => {
  const moving = await openTestValkey({ masters: 2, appendonly: true });
  try {
    const queue = await moving.openQueue({ shards: 1, durability: { replicas: 0, fsync: true, waitMs: 5_000 } });
    await queue.append([eventIn('moved')]);
    await queue.settle(0, await queue.read(0, 10));
    const slot = slotOf(streamOf(0));
    const nodes = queue.redis.nodes('master');
    const [home, other] = slot < 8_192 ? nodes : nodes.reverse();
    await queue.redis.del(streamOf(0));
    const id = String(await other!.cluster('MYID'));
    for (const node of [other!, home!]) await node.call('CLUSTER', 'SETSLOT', String(slot), 'NODE', id);
    await queue.append([eventIn('moved')]);
    expect(await queue.lag()).toMatchObject({ entries: 1 });
  } finally {
    await moving.close();
  }
});

test('a server whose memory is full refuses with RESOURCE_EXHAUSTED and a delay, drops nothing, and takes more once it is read', async () => {
  const small = await openTestValkey({ maxmemory: '8mb' });
  try {
    const filling = await small.openQueue({ shards: 1, capacity: 1_000_000 });
    // As a consumer does when it starts.
    await filling.read(0, 1);
    let stored = 0;
    let fault: unknown;
    while (!fault) {
      const append = filling.append(Array.from({ length: 500 }, () => eventIn('memory')));
      await append.then(
        () => {
          stored += 500;
        },
        (error: unknown) => {
          fault = error;
        },
      );
    }
    expect(await faultOf(Promise.reject(fault))).toEqual({ code: RESOURCE_EXHAUSTED, retry: true });
    expect(await filling.lag()).toMatchObject({ entries: stored });
    for (let read = await filling.read(0, 500); read.length > 0; read = await filling.read(0, 500)) {
      await filling.settle(0, read);
    }
    await filling.append([eventIn('memory')]);
    expect(await filling.lag()).toMatchObject({ entries: 1 });
  } finally {
    await small.close();
  }
});

test('a server that is away answers UNAVAILABLE with a delay, for the events of its shards alone', async () => {
  const lonely = await openTestValkey({ masters: 3 });
  try {
    const process = await lonely.openQueue({ shards: SHARDS });
    await lonely.nodes[0]!.kill();
    const answers = await Promise.allSettled(
      Array.from({ length: 60 }, (_, user) => process.append([eventIn('away', { userId: `user ${user}` })])),
    );
    const failed = answers.filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(60);
    for (const { reason } of failed as PromiseRejectedResult[]) {
      expect(await faultOf(Promise.reject(reason))).toEqual({ code: UNAVAILABLE, retry: true });
    }
    await Promise.all(lonely.nodes.slice(1).map((node) => node.kill()));
    expect(await faultOf(process.append([eventIn('away')]))).toEqual({ code: UNAVAILABLE, retry: true });
  } finally {
    await lonely.close();
  }
});

test('while a server hangs so much waits for it and the rest is RESOURCE_EXHAUSTED; what waits is UNAVAILABLE as soon as a batch is, unsent', async () => {
  const hanging = await openTestValkey();
  try {
    const hung = await hanging.openQueue({ shards: 1, bound: 2_000, commandTimeoutMs: 1_000 });
    const calls = Array.from({ length: 30 }, () => Array.from({ length: 100 }, () => eventIn('hang')));
    // Held up, not dead: the connection stays open and nothing answers.
    const { pid } = hanging.nodes[0]!;
    process.kill(pid!, 'SIGSTOP');
    const faults = await Promise.all(calls.map((events) => faultOf(hung.append(events))));
    expect(faults).toEqual(
      calls.map((_, index) => ({ code: index < 20 ? UNAVAILABLE : RESOURCE_EXHAUSTED, retry: true })),
    );
    process.kill(pid!, 'SIGCONT');
    const last = eventIn('hang');
    await until(() => hung.append([last]).then(() => true), { what: 'the queue to take events again' });
    // Nothing that was answered counts any more.
    const after = Array.from({ length: 2_000 }, () => eventIn('after'));
    await until(() => hung.append(after).then(() => true), { what: 'as many events as may wait to be queued' });
    const stored = (await hung.read(0, 10_000)).flatMap(({ event }) => event ?? []);
    const sent = new Set([...calls[0]!, last].map(({ eventId }) => eventId));
    const unsent = stored.filter(({ areaCode, eventId }) => areaCode === 'hang' && !sent.has(eventId));
    expect(unsent).toEqual([]);
  } finally {
    await hanging.close();
  }
});
