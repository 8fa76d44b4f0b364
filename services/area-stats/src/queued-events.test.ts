import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Service } from '@realmkeep/kit/app/service';
import { createClient } from '@realmkeep/kit/client/client';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import {
  RecordEventRequest_Ack as Ack,
  AreaStatsService,
  type Outcome,
  Outcome_Result,
  RecordEventRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { ParkedEventService } from '@realmkeep/proto/realmkeep/area_stats/v1/parked_event_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import { openTestValkey, type TestValkey } from '../test/valkey.ts';
import { startApp } from './app.ts';
import { readSettings } from './config.ts';
import { streamOf } from './event-queue/shard.ts';

type Fields = MessageInitShape<typeof RecordEventRequestSchema>;

const ROLES = ['player', 'server', 'admin', 'service', 'anyone'] as const;
type Role = (typeof ROLES)[number];

let database: TestDatabase;
let keys: Awaited<ReturnType<typeof writeKeys>>;
let valkey: TestValkey;
let app: Service;
const clients = new Map<Role, ReturnType<typeof clientsOf>>();

beforeAll(async () => {
  [database, keys, valkey] = await Promise.all([openTestDatabase(), writeKeys(), openTestValkey({ masters: 3 })]);
  app = await startApp(
    readSettings({
      ...keys.env,
      HOST: '127.0.0.1',
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(),
      REDIS_NODES: valkey.addresses.join(),
      REDIS_PASSWORD: valkey.password,
      PAGE_TOKEN_KEY: 'ab'.repeat(32),
      DRAIN_DELAY_MS: '0',
      LOG_LEVEL: 'silent',
    }),
  );
  for (const role of ROLES) {
    clients.set(role, clientsOf(role === 'anyone' ? undefined : await keys.tokens.token({ role, subject: role })));
  }
});
afterAll(async () => {
  for (const { stats, parked } of clients.values()) {
    stats.close();
    parked.close();
  }
  await app?.drain();
  await keys.remove();
  await Promise.all([database.close(), valkey.close()]);
});

function clientsOf(token?: string) {
  const options = {
    address: `127.0.0.1:${app.grpcPort}`,
    ...(token ? { serviceTokens: { token: async () => token } } : {}),
  };
  return { stats: createClient(AreaStatsService, options), parked: createClient(ParkedEventService, options) };
}

const server = () => clients.get('server')!.stats;
const admin = () => clients.get('admin')!.parked;

function queued(areaCode: string, fields: Fields = {}) {
  const names = { areaCode, multiplayerMode: 'royale', userId: randomUUID(), eventName: 'LOGIN' };
  return create(RecordEventRequestSchema, { eventId: randomUUID(), ...names, ack: Ack.QUEUED, ...fields });
}

async function faultOf(call: Promise<unknown>) {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (fault: unknown) => fault,
  );
  if (!(error instanceof RpcError)) throw error;
  const request = error.details.find((detail) => detail.$typeName === 'google.rpc.BadRequest');
  const retry = error.details.some((detail) => detail.$typeName === 'google.rpc.RetryInfo');
  return { code: error.code, reason: error.reason, fields: request?.fieldViolations.map(({ field }) => field), retry };
}

const storedIs = (area: string, count: number) =>
  until(async () => (await countsOf(database, area)).stored[0]?.current_count === String(count), {
    what: `${count} users in ${area}`,
  });

const resultsOf = (outcomes: Outcome[]) => outcomes.map(({ result }) => Outcome_Result[result]);

test('each RPC of parked events is allowed to operators alone', async () => {
  for (const [role, { parked }] of clients) {
    const calls = [
      parked.listParkedEvents({}),
      parked.replayParkedEvents({ parkedEventIds: [1n] }),
      parked.discardParkedEvents({ parkedEventIds: [1n] }),
    ];
    for (const call of calls) {
      if (role === 'admin') await call;
      else expect(await faultOf(call), role).toMatchObject({ code: role === 'anyone' ? 16 : 7 });
    }
  }
});

test('an event with ACK_QUEUED answers QUEUED, also the second time, and is counted once', async () => {
  const event = queued('once');
  for (let time = 0; time < 3; time += 1) {
    const { outcome } = await server().recordEvent(event);
    expect(outcome).toMatchObject({ eventId: event.eventId, result: Outcome_Result.QUEUED, reason: '', message: '' });
  }
  await storedIs('once', 1);
  const { outcome } = await server().recordEvent({ ...event, ack: Ack.COMMITTED });
  expect(outcome?.result).toBe(Outcome_Result.DUPLICATE);
});

test('in a batch each event is acknowledged as it says, and as the batch says when it does not', async () => {
  const events = [
    queued('mixed', { ack: Ack.UNSPECIFIED }),
    queued('mixed', { ack: Ack.COMMITTED }),
    queued('mixed'),
    queued('mixed', { userId: '' }),
    queued('mixed', { epochTimestamp: { seconds: 0n } }),
  ];
  const byBatch = await server().recordEvents({ events, ack: Ack.QUEUED });
  expect(resultsOf(byBatch.outcomes)).toEqual(['QUEUED', 'RECORDED', 'QUEUED', 'REFUSED', 'REFUSED']);
  const byEvent = await server().recordEvents({ events: [queued('mixed', { ack: Ack.UNSPECIFIED }), queued('mixed')] });
  expect(resultsOf(byEvent.outcomes)).toEqual(['RECORDED', 'QUEUED']);
  await storedIs('mixed', 5);
  const full = Array.from({ length: 10_000 }, () => queued('full'));
  const { outcomes } = await server().recordEvents({ events: full }, { timeoutMs: 20_000 });
  expect(new Set(resultsOf(outcomes))).toEqual(new Set(['QUEUED']));
  await storedIs('full', 10_000);
});

test('an event with ACK_QUEUED that breaks a rule is refused at once by the name of its field, and nothing is queued', async () => {
  const faults: [string, Fields, string][] = [
    ['event_id', { eventId: 'no-uuid' }, 'INVALID_ARGUMENT'],
    ['area_code', { areaCode: 'x'.repeat(256) }, 'INVALID_ARGUMENT'],
    ['multiplayer_mode', { multiplayerMode: 'a\nb' }, 'INVALID_ARGUMENT'],
    ['user_id', { userId: '' }, 'INVALID_ARGUMENT'],
    ['event_name', { eventName: 'QUIT' }, 'INVALID_ARGUMENT'],
    ['epoch_timestamp', { epochTimestamp: { seconds: 253_402_300_800n } }, 'INVALID_ARGUMENT'],
    ['epoch_timestamp', { epochTimestamp: { seconds: 0n } }, 'EVENT_TOO_OLD'],
    ['epoch_timestamp', { epochTimestamp: timestampFromDate(new Date(Date.now() + 360_000)) }, 'EVENT_IN_FUTURE'],
  ];
  for (const [field, fields, reason] of faults) {
    const fault = await faultOf(server().recordEvent(queued('faults', fields)));
    expect(fault, field).toEqual({ code: 3, reason, fields: [field], retry: false });
  }
  expect(await faultOf(server().recordEvents({ events: [queued('faults')], ack: 9 as never }))).toMatchObject({
    code: 3,
    fields: ['ack'],
  });
  expect((await admin().listParkedEvents({})).parkedEvents).toEqual([]);
  expect((await countsOf(database, 'faults')).stored).toEqual([]);
});

test('operators see, replay and discard parked events by RPC', async () => {
  const queue = await valkey.openQueue();
  const late = { event_id: randomUUID(), area_code: 'p', multiplayer_mode: 'm', user_id: 'u', event_name: 'LOGIN' };
  const text = JSON.stringify({ ...late, epoch_timestamp: '2020-01-01T00:00:00.000000Z' });
  const parkedNow = (count: number) =>
    until(
      async () => {
        const { parkedEvents } = await admin().listParkedEvents({ pageSize: 250 });
        return parkedEvents.length === count && parkedEvents;
      },
      { what: `${count} parked events` },
    );
  await queue.redis.xadd(streamOf(0), '*', 'event', text);
  await parkedNow(1);
  await queue.redis.xadd(streamOf(0), '*', 'event', 'nonsense');
  const parked = await parkedNow(2);
  expect(parked).toMatchObject([
    { event: text, reason: 'EVENT_TOO_OLD', message: expect.stringContaining('epoch_timestamp') as string },
    { event: 'nonsense', reason: 'INVALID_EVENT' },
  ]);
  const [old, nonsense] = parked.map(({ parkedEventId }) => parkedEventId) as [bigint, bigint];
  const page = await admin().listParkedEvents({ pageSize: 1 });
  expect(page.parkedEvents.map(({ parkedEventId }) => parkedEventId)).toEqual([old]);
  const next = await admin().listParkedEvents({ pageSize: 1, pageToken: page.nextPageToken });
  expect(next).toMatchObject({ parkedEvents: [{ parkedEventId: nonsense }], nextPageToken: '' });
  expect(await faultOf(admin().listParkedEvents({ pageToken: 'x' }))).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });

  // It is as old as before.
  const { replayedEvents } = await admin().replayParkedEvents({ parkedEventIds: [old] });
  expect(replayedEvents).toMatchObject([
    { parkedEventId: old, outcome: { eventId: late.event_id, reason: 'EVENT_TOO_OLD' } },
  ]);
  expect(await admin().discardParkedEvents({ parkedEventIds: [old, nonsense] })).toMatchObject({
    parkedEventIds: [old, nonsense],
  });
  expect((await admin().listParkedEvents({})).parkedEvents).toEqual([]);
});

test('the metrics tell how much waits', async () => {
  const response = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { connection: 'close' } });
  const text = await response.text();
  for (const name of ['entries', 'oldest_age', 'settled', 'parked']) expect(text).toContain(`area_stats_queue_${name}`);
});

test('without Redis ACK_QUEUED is UNAVAILABLE with a delay, and ACK_COMMITTED is recorded as ever', async () => {
  await Promise.all(valkey.nodes.map((node) => node.kill()));
  expect(await faultOf(server().recordEvent(queued('dead')))).toMatchObject({ code: 14, retry: true });
  const { outcome } = await server().recordEvent(queued('dead', { ack: Ack.COMMITTED }));
  expect(outcome?.result).toBe(Outcome_Result.RECORDED);
});
