import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import {
  type FollowItemEventsResponse,
  FollowItemEventsResponseSchema,
  ItemEventService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../client/client.ts';
import { unavailable } from '../errors/common.ts';
import { answering } from './answering.fixture.ts';
import type { CallContext } from './implementation.ts';
import { rejection, type ServerFixture, serviceToken, startServerFixture } from './server.fixture.ts';

let fixture: ServerFixture;
afterEach(() => fixture.close());

async function serve(
  follow: (context: CallContext) => AsyncIterable<FollowItemEventsResponse | Uint8Array>,
  maxStreams = 10,
): Promise<Client<typeof ItemEventService>> {
  const events = answering(ItemEventService, { followItemEvents: (_request, context) => follow(context) });
  fixture = await startServerFixture({ implementations: [events], maxStreams });
  return fixture.client(ItemEventService, await serviceToken(fixture.tokens));
}

const read = (client: Client<typeof ItemEventService>) => client.followItemEvents({})[Symbol.asyncIterator]();

/** An answer of about this many bytes, whose time is its number. */
const numbered = (n: number, bytes = 0) =>
  create(FollowItemEventsResponseSchema, {
    step: { case: 'snapshot', value: { gameItemsAfter: 'x'.repeat(bytes) } },
    asOf: { seconds: BigInt(n), nanos: 0 },
  });

test('messages and ready bytes arrive in order, and the stream ends', async () => {
  const client = await serve(async function* ({ header }) {
    expect(header).toBeTypeOf('function');
    yield numbered(1);
    yield toBinary(FollowItemEventsResponseSchema, numbered(2));
    yield numbered(3);
  });
  const seen: bigint[] = [];
  for await (const answer of client.followItemEvents({})) seen.push(answer.asOf!.seconds);
  expect(seen).toEqual([1n, 2n, 3n]);
});

test('a slow reader slows the handler down, and loses nothing', async () => {
  const total = 400;
  let pulled = 0;
  const client = await serve(async function* () {
    while (pulled < total) {
      pulled += 1;
      yield numbered(pulled, 32 * 1024);
    }
  });
  const reader = read(client);
  await reader.next();
  // The handler goes on until the connection and the outlet are full, and then stands still.
  let before = -1;
  await expect
    .poll(
      () => {
        const still = pulled === before;
        before = pulled;
        return still;
      },
      { interval: 200 },
    )
    .toBe(true);
  expect(pulled).toBeLessThan(100);

  let last = 1n;
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    expect(next.value.asOf!.seconds).toBe(last + 1n);
    last += 1n;
  }
  expect(last).toBe(BigInt(total));
});

test('a reader that leaves ends the handler', async () => {
  let ended = false;
  const client = await serve(async function* ({ signal }) {
    try {
      yield numbered(1);
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    } finally {
      ended = true;
    }
  });
  for await (const _ of client.followItemEvents({})) break;
  await expect.poll(() => ended).toBe(true);
  expect(fixture.logged).toEqual([]);
});

test('a fault in the middle arrives behind what was sent before it', async () => {
  const client = await serve(async function* () {
    yield numbered(1);
    throw unavailable('gone', 10);
  });
  const reader = read(client);
  expect((await reader.next()).value.asOf.seconds).toBe(1n);
  expect(await rejection(reader.next())).toMatchObject({ code: status.UNAVAILABLE, message: 'gone' });
});

test('streams are bounded apart from unary calls', async () => {
  const client = await serve(async function* ({ signal }) {
    yield numbered(1);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }, 2);
  const readers = [read(client), read(client)];
  for (const reader of readers) await reader.next();
  expect(await rejection(read(client).next())).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  await readers[0]!.return?.();
  await expect
    .poll(() =>
      read(client)
        .next()
        .then(
          () => 'open',
          () => 'refused',
        ),
    )
    .toBe('open');
});

test('draining ends open streams as UNAVAILABLE, also one whose handler does not listen', async () => {
  const client = await serve(async function* () {
    yield numbered(1);
    await new Promise(() => undefined);
  });
  const reader = read(client);
  await reader.next();
  const waiting = rejection(reader.next());
  await fixture.server.drain({ delayMs: 0, timeoutMs: 60_000 });
  expect(await waiting).toMatchObject({ code: status.UNAVAILABLE, message: expect.stringContaining('going away') });
});
