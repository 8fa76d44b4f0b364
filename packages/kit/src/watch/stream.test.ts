import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { metrics } from '@opentelemetry/api';
import {
  FollowItemEventsResponseSchema,
  ItemEventService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { implement } from '../server/implementation.ts';
import { rejection, type ServerFixture, serviceToken, startServerFixture } from '../server/server.fixture.ts';
import { createWatchHub, type WatchHub } from './hub.ts';

const WATCHERS = 150;
const BYTES = 32 * 1024;

let fixture: ServerFixture;
let hub: WatchHub;
let version = 1n;

/** An answer of 32 KB that tells its version as its time. */
function answer(seconds: bigint): Uint8Array {
  const step = { case: 'snapshot', value: { gameItemsAfter: 'x'.repeat(BYTES) } } as const;
  return toBinary(FollowItemEventsResponseSchema, create(FollowItemEventsResponseSchema, { step, asOf: { seconds } }));
}

beforeEach(async () => {
  version = 1n;
  hub = createWatchHub({
    name: 'test',
    meter: metrics.getMeter('test'),
    logger: { warn: () => undefined },
    source: {
      load: async (floors) =>
        new Map([...floors.keys()].map((key) => [key, { version, bytes: answer(version), asOf: 0 }])),
      newer: async () => ({ versions: new Map(), asOf: 0 }),
      absent: (key) => new Error(`no ${key}`),
      heartbeat: () => new Uint8Array(),
    },
  });
  const events = implement(ItemEventService, { followItemEvents: () => hub.watch('a', 0n) });
  fixture = await startServerFixture({ implementations: [events], maxStreams: WATCHERS });
});
afterEach(async () => {
  await hub.close();
  await fixture.close();
});

async function open() {
  const client = fixture.client(ItemEventService, await serviceToken(fixture.tokens));
  const answers = client.followItemEvents({})[Symbol.asyncIterator]();
  return {
    next: async () => (await answers.next()).value?.asOf?.seconds as bigint | undefined,
    leave: async () => {
      await answers.return?.();
    },
  };
}

test('readers that take nothing cost little memory, and get the newest version when they go on', async () => {
  const [fast, ...slow] = await Promise.all(Array.from({ length: WATCHERS }, open));
  await Promise.all([fast!, ...slow].map(({ next }) => next()));
  const before = process.memoryUsage();
  const versions = 100n;
  while (version < versions) {
    version += 1n;
    hub.changed('a', version);
    expect(await fast!.next()).toBe(version);
  }
  const { rss } = process.memoryUsage();
  // Kept for each reader, the versions would take 490 MB.
  expect(rss - before.rss).toBeLessThan(WATCHERS * Number(versions) * BYTES * 0.5);

  for (const reader of slow) {
    let last = 1n;
    let count = 0;
    while (last < versions) {
      const next = await reader.next();
      expect(next).toBeGreaterThan(last);
      last = next!;
      count += 1;
    }
    expect(count).toBeLessThan(30);
  }
});

test('a caller that leaves is cleaned up at once, however it leaves', async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, open));
  await Promise.all(readers.map(({ next }) => next()));
  expect(hub.size()).toEqual({ watches: 20, keys: 1 });
  await Promise.all(readers.slice(0, 19).map(({ leave }) => leave()));
  await expect.poll(() => hub.size()).toEqual({ watches: 1, keys: 1 });
  await readers[19]!.leave();
  await expect.poll(() => hub.size()).toEqual({ watches: 0, keys: 0 });
});

test('a drain ends watches with a status that says when to call again', async () => {
  const reader = await open();
  await reader.next();
  const next = rejection(reader.next());
  await fixture.server.drain({ delayMs: 0, timeoutMs: 5_000 });
  expect(await next).toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.arrayContaining([expect.objectContaining({ $typeName: 'google.rpc.RetryInfo' })]),
  });
  expect(hub.size()).toEqual({ watches: 0, keys: 0 });
});
