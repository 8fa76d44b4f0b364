import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import {
  AreaStatsService,
  type StreamEventsRequest,
  StreamEventsResponseSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterEach, expect, test } from 'vitest';
import { resourceExhausted } from '../errors/common.ts';
import { answering } from './answering.fixture.ts';
import type { CallContext } from './implementation.ts';
import { rejection, type ServerFixture, serviceToken, startServerFixture } from './server.fixture.ts';

let fixture: ServerFixture;
afterEach(() => fixture.close());

type Handler = (requests: AsyncIterable<StreamEventsRequest>, context: CallContext) => Promise<bigint>;

async function serve(handler: Handler, maxStreams = 10) {
  const events = answering(AreaStatsService, {
    streamEvents: async (requests, context) =>
      create(StreamEventsResponseSchema, { recorded: await handler(requests, context) }),
  });
  fixture = await startServerFixture({ implementations: [events], maxStreams });
  return fixture.client(AreaStatsService, await serviceToken(fixture.tokens));
}

/** A request whose one event has this number, and about this many bytes. */
const numbered = (n: number, bytes = 0) => ({ events: [{ eventId: String(n), userId: 'x'.repeat(bytes) }] });
const numberOf = ({ events }: StreamEventsRequest) => Number(events[0]!.eventId);

async function count(requests: AsyncIterable<StreamEventsRequest>): Promise<bigint> {
  let sum = 0n;
  for await (const { events } of requests) sum += BigInt(events.length);
  return sum;
}

test('requests arrive in order, and are answered once after the last', async () => {
  const seen: number[] = [];
  const client = await serve(async (requests) => {
    for await (const request of requests) seen.push(numberOf(request));
    return BigInt(seen.length);
  });
  const { recorded } = await client.streamEvents([1, 2, 3].map((n) => numbered(n)));
  expect(recorded).toBe(3n);
  expect(seen).toEqual([1, 2, 3]);
});

test('a slow handler slows its caller down, and loses nothing', async () => {
  const total = 400;
  let sent = 0;
  const go = Promise.withResolvers<void>();
  const client = await serve(async (requests) => {
    await go.promise;
    return count(requests);
  });
  const answer = client.streamEvents(
    (function* () {
      while (sent < total) {
        sent += 1;
        yield numbered(sent, 32 * 1024);
      }
    })(),
  );
  // The caller goes on until the connection is full, and then stands still.
  let before = -1;
  await until(
    () => {
      const still = sent > 0 && sent === before;
      before = sent;
      return still;
    },
    { what: 'the caller to stand still', every: 200 },
  );
  expect(sent).toBeLessThan(total);
  go.resolve();
  expect((await answer).recorded).toBe(BigInt(total));
});

test('a request that breaks a rule of the contract ends the call, named by its field, and none after it is handled', async () => {
  let handled = 0;
  const client = await serve(async (requests) => {
    for await (const _ of requests) handled += 1;
    return 0n;
  });
  const fault = await rejection(client.streamEvents([numbered(1), { events: [] }, numbered(3)]));
  expect(fault).toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringMatching(/^events: /) });
  expect(handled).toBe(1);
});

test('who may not call is refused before a request is read', async () => {
  let called = false;
  await serve(async () => {
    called = true;
    return 0n;
  });
  const player = await fixture.tokens.token({ role: 'player', subject: 'ada' });
  const denied = await rejection(fixture.client(AreaStatsService, player).streamEvents([numbered(1)]));
  expect(denied).toMatchObject({ code: status.PERMISSION_DENIED });
  const nobody = await rejection(fixture.client(AreaStatsService).streamEvents([numbered(1)]));
  expect(nobody).toMatchObject({ code: status.UNAUTHENTICATED });
  expect(called).toBe(false);
});

test('what a handler throws ends the call while its caller is still sending', async () => {
  const client = await serve(async (requests) => {
    for await (const _ of requests) throw resourceExhausted('too much', 1_000);
    return 0n;
  });
  const endless = (async function* () {
    yield numbered(1);
    await new Promise(() => undefined);
  })();
  const fault = await rejection(client.streamEvents(endless));
  expect(fault).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: 'RESOURCE_EXHAUSTED' });
});

test('a caller that leaves, and a deadline that passes, abort the signal of the handler', async () => {
  const reasons: unknown[] = [];
  let open = 0;
  const client = await serve(async (_requests, { signal }) => {
    open += 1;
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      });
    });
  });
  const leaving = new AbortController();
  const left = rejection(client.streamEvents([numbered(1)], { signal: leaving.signal }));
  await until(() => open === 1, { what: 'the handler to begin' });
  leaving.abort();
  expect(await left).toMatchObject({ code: status.CANCELLED });
  expect(await rejection(client.streamEvents([numbered(1)], { timeoutMs: 300 }))).toMatchObject({
    code: status.DEADLINE_EXCEEDED,
  });
  await until(() => reasons.length === open, { what: 'the signals' });
});

test('a client stream counts as an open stream, and a drain ends it with UNAVAILABLE', async () => {
  let open = 0;
  const client = await serve(async (requests) => {
    open += 1;
    return count(requests);
  }, 1);
  const waiting = rejection(
    client.streamEvents(
      (async function* () {
        yield numbered(1);
        await new Promise(() => undefined);
      })(),
    ),
  );
  await until(() => open === 1, { what: 'the stream to open' });
  expect(await rejection(client.streamEvents([numbered(2)]))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  const drained = fixture.server.drain({ delayMs: 0, timeoutMs: 1_000 });
  expect(await waiting).toMatchObject({ code: status.UNAVAILABLE, message: expect.stringContaining('going away') });
  await drained;
});
