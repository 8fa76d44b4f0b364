import { randomUUID } from 'node:crypto';
import { connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Service } from '@realmkeep/kit/app/service';
import { createClient } from '@realmkeep/kit/client/client';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import {
  AreaStatsService,
  GetAreaStatsRequestSchema,
  GetAreaStatsResponseSchema,
  Outcome_Result,
  type RecordEventRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { stores } from '@realmkeep/testkit/stores';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countsOf, openTestDatabase, type TestDatabase } from '../test/database.ts';
import { startApp } from './app.ts';
import { readSettings } from './config.ts';

type Fields = MessageInitShape<typeof RecordEventRequestSchema>;

let database: TestDatabase;
let keys: Awaited<ReturnType<typeof writeKeys>>;
let app: Service;
const clients: Record<string, ReturnType<typeof clientOf>> = {};

// The stores are shared with other runs of this file: its areas are its own.
const run = randomUUID().slice(0, 8);

beforeAll(async () => {
  [database, keys] = await Promise.all([openTestDatabase(), writeKeys()]);
  const { valkey } = await stores();
  app = await startApp(
    readSettings({
      ...keys.env,
      HOST: '127.0.0.1',
      GRPC_PORT: '0',
      METRICS_PORT: '0',
      POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(),
      REDIS_NODES: valkey.nodes.join(),
      REDIS_PASSWORD: valkey.password,
      PAGE_TOKEN_KEY: 'ab'.repeat(32),
      DRAIN_DELAY_MS: '0',
      LOG_LEVEL: 'silent',
      AREA_STATS_TTL_SECONDS: '1',
    }),
  );
  for (const role of ['player', 'server', 'admin', 'service'] as const) {
    clients[role] = clientOf(await keys.tokens.token({ role, subject: role }));
  }
  clients.anyone = clientOf();
});
afterAll(async () => {
  for (const client of Object.values(clients)) client.close();
  await app?.drain();
  await keys.remove();
  await database.close();
});

function clientOf(token?: string) {
  return createClient(AreaStatsService, {
    address: `127.0.0.1:${app.grpcPort}`,
    ...(token ? { serviceTokens: { token: async () => token } } : {}),
  });
}

function eventOf(fields: Fields = {}): Fields {
  return {
    eventId: randomUUID(),
    areaCode: `${run}-111`,
    multiplayerMode: 'royale',
    userId: randomUUID(),
    eventName: 'LOGIN',
    ...fields,
  };
}

/** The error of a call that fails, as a caller branches on it. */
async function faultOf(call: Promise<unknown>) {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (fault: unknown) => fault,
  );
  if (!(error instanceof RpcError)) throw error;
  const request = error.details.find((detail) => detail.$typeName === 'google.rpc.BadRequest');
  const fields = request?.fieldViolations.map(({ field }) => field);
  return { code: error.code, reason: error.reason, fields };
}

const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

test('each RPC is allowed to the roles of its contract and denied to the others', async () => {
  const calls = {
    getAreaStats: (role: string) => clients[role]!.getAreaStats({ areaCode: 'roles' }),
    listAreas: (role: string) => clients[role]!.listAreas({}),
    watchAreaStats: async (role: string) => {
      for await (const _ of clients[role]!.watchAreaStats({ areaCode: 'roles' })) return;
    },
    recordEvent: (role: string) => clients[role]!.recordEvent(eventOf({ areaCode: `${run}-roles` })),
    recordEvents: (role: string) => clients[role]!.recordEvents({ events: [eventOf({ areaCode: `${run}-roles` })] }),
    streamEvents: (role: string) => clients[role]!.streamEvents([{ events: [eventOf({ areaCode: `${run}-roles` })] }]),
    renewPresence: (role: string) =>
      clients[role]!.renewPresence({ presences: [{ areaCode: 'roles', multiplayerMode: 'royale', userId: 'ada' }] }),
  };
  const allowed: Record<string, string[]> = {
    getAreaStats: ['player', 'server', 'admin', 'service', 'anyone'],
    listAreas: ['player', 'server', 'admin', 'service', 'anyone'],
    watchAreaStats: ['player', 'server', 'admin', 'service', 'anyone'],
    recordEvent: ['server', 'admin'],
    recordEvents: ['server', 'admin', 'service'],
    streamEvents: ['server', 'admin', 'service'],
    renewPresence: ['server', 'admin', 'service'],
  };
  for (const [rpc, call] of Object.entries(calls)) {
    for (const role of Object.keys(clients)) {
      if (allowed[rpc]!.includes(role)) await call(role);
      else {
        const code = role === 'anyone' ? UNAUTHENTICATED : PERMISSION_DENIED;
        expect(await faultOf(call(role)), `${rpc} by ${role}`).toMatchObject({ code });
      }
    }
  }
});

test('tokens that are expired, wrongly signed, unsigned or of another issuer or audience are refused, also where none is needed', async () => {
  for (const [fault, token] of Object.entries(await keys.tokens.bad({ role: 'server', subject: 's' }))) {
    const client = clientOf(token);
    expect(await faultOf(client.recordEvent(eventOf())), fault).toMatchObject({ code: UNAUTHENTICATED });
    expect(await faultOf(client.getAreaStats({ areaCode: '111' })), fault).toMatchObject({ code: UNAUTHENTICATED });
    client.close();
  }
});

test('an event counts once however often it is posted, and the counts equal those in the database', async () => {
  const server = clients.server!;
  const event = eventOf({ areaCode: `${run}-once`, userId: 'u1' });
  expect((await server.recordEvent(event)).outcome).toMatchObject({
    eventId: event.eventId,
    result: Outcome_Result.RECORDED,
    reason: '',
    message: '',
  });
  const again = await Promise.all(Array.from({ length: 20 }, () => server.recordEvent(event)));
  expect(again.map(({ outcome }) => outcome?.result)).toEqual(Array(20).fill(Outcome_Result.DUPLICATE));
  await server.recordEvent(eventOf({ areaCode: `${run}-once`, userId: 'u2', multiplayerMode: 'duel' }));
  await server.recordEvent(
    eventOf({ areaCode: `${run}-once`, userId: 'u2', multiplayerMode: 'duel', eventName: 'LOGOUT' }),
  );
  await database.replicated();
  const stats = await clients.anyone!.getAreaStats({ areaCode: `${run}-once` });
  expect(stats).toMatchObject({ areaCode: `${run}-once`, mostPlayedMode: 'royale' });
  const { defined } = await countsOf(database, `${run}-once`);
  expect(
    stats.modes.map(({ multiplayerMode, currentCount }) => ({
      area_code: stats.areaCode,
      multiplayer_mode: multiplayerMode,
      current_count: String(currentCount),
    })),
  ).toEqual(defined);
});

test('each fault of an event is refused by the name of its field and changes nothing', async () => {
  const text = ['', 'x'.repeat(256), 'a\u0000b', 'a\nb', '\u007f'];
  const year = (seconds: bigint, nanos = 0) => ({ epochTimestamp: { seconds, nanos } });
  const faults: [string, Fields[], string][] = [
    ['event_id', ['', 'no-uuid', `${randomUUID()}0`].map((eventId) => ({ eventId })), 'INVALID_ARGUMENT'],
    ['area_code', text.map((areaCode) => ({ areaCode })), 'INVALID_ARGUMENT'],
    ['multiplayer_mode', text.map((multiplayerMode) => ({ multiplayerMode })), 'INVALID_ARGUMENT'],
    ['user_id', text.map((userId) => ({ userId })), 'INVALID_ARGUMENT'],
    ['event_name', ['', 'login', 'QUIT', 'LOGIN '].map((eventName) => ({ eventName })), 'INVALID_ARGUMENT'],
    ['ack', [{ ack: 9 as never }], 'INVALID_ARGUMENT'],
    [
      'epoch_timestamp',
      [year(-62_167_219_200n), year(253_402_300_800n), year(2n ** 63n - 1n), year(0n, -1), year(0n, 1_000_000_000)],
      'INVALID_ARGUMENT',
    ],
    ['epoch_timestamp', [year(0n), year(-62_135_596_800n)], 'EVENT_TOO_OLD'],
    [
      'epoch_timestamp',
      [year(253_402_300_799n), { epochTimestamp: timestampFromDate(new Date(Date.now() + 360_000)) }],
      'EVENT_IN_FUTURE',
    ],
  ];
  for (const [field, wrongs, reason] of faults) {
    for (const wrong of wrongs) {
      const event = eventOf({ areaCode: `${run}-faults`, ...wrong });
      const name = `${field} ${JSON.stringify(wrong, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`;
      expect(await faultOf(clients.server!.recordEvent(event)), name).toEqual({
        code: INVALID_ARGUMENT,
        reason,
        fields: [field],
      });
      const { outcomes } = await clients.server!.recordEvents({ events: [event] });
      expect(outcomes[0], name).toMatchObject({
        result: Outcome_Result.REFUSED,
        reason: reason === 'INVALID_ARGUMENT' ? 'INVALID_EVENT' : reason,
        message: expect.stringContaining(`${field}: `),
      });
    }
  }
  expect((await clients.anyone!.getAreaStats({ areaCode: `${run}-faults` })).modes).toEqual([]);
  for (const areaCode of text) {
    expect(await faultOf(clients.anyone!.getAreaStats({ areaCode }))).toMatchObject({
      code: INVALID_ARGUMENT,
      fields: ['area_code'],
    });
  }
});

test('names of 255 characters of any script are taken, unless the three together are too long to be found again', async () => {
  const wide = (length: number) =>
    Array.from({ length }, (_, i) => String.fromCodePoint(0x20000 + ((i * 7919) % 40_000))).join('');
  await clients.server!.recordEvent(eventOf({ areaCode: wide(255), multiplayerMode: wide(255), userId: wide(140) }));
  await clients.server!.recordEvent(
    eventOf({ areaCode: 'あ'.repeat(255), multiplayerMode: 'あ'.repeat(255), userId: 'あ'.repeat(255) }),
  );
  const tooLong = eventOf({ areaCode: wide(255), multiplayerMode: wide(255), userId: wide(255) });
  expect(await faultOf(clients.server!.recordEvent(tooLong))).toMatchObject({
    code: INVALID_ARGUMENT,
    fields: ['user_id'],
  });
});

test('a batch answers in its order, records what is right and refuses the rest, and takes 1 to 10,000 events', async () => {
  const area = `${run}-batch`;
  const good = eventOf({ areaCode: area });
  const { outcomes } = await clients.service!.recordEvents({
    events: [
      eventOf({ areaCode: '' }),
      good,
      good,
      eventOf({ epochTimestamp: { seconds: 0n } }),
      eventOf({ areaCode: area }),
    ],
  });
  const { REFUSED, RECORDED, DUPLICATE } = Outcome_Result;
  expect(outcomes.map(({ result }) => result)).toEqual([REFUSED, RECORDED, DUPLICATE, REFUSED, RECORDED]);
  expect(outcomes[1]!.eventId).toBe(good.eventId);
  const full = Array.from({ length: 10_000 }, () => eventOf({ areaCode: area }));
  const recorded = await clients.server!.recordEvents({ events: full }, { timeoutMs: 20_000 });
  expect(recorded.outcomes.filter(({ result }) => result === RECORDED)).toHaveLength(10_000);
  for (const events of [[], [...full, eventOf()]]) {
    expect(await faultOf(clients.server!.recordEvents({ events }))).toMatchObject({
      code: INVALID_ARGUMENT,
      fields: ['events'],
    });
  }
  const { stored, defined } = await countsOf(database, area);
  expect(stored).toEqual([{ area_code: area, multiplayer_mode: 'royale', current_count: '10002' }]);
  expect(stored).toEqual(defined);
});

test('a message of a stream holds 1 to 1,000 events, and one with another number is refused by the name of its field', async () => {
  const area = `${run}-stream`;
  const full = Array.from({ length: 1_000 }, () => eventOf({ areaCode: area }));
  expect(await clients.server!.streamEvents([{ events: full }])).toMatchObject({ recorded: 1_000n, refused: 0n });
  for (const events of [[], [...full, eventOf()]]) {
    expect(await faultOf(clients.server!.streamEvents([{ events }]))).toMatchObject({
      code: INVALID_ARGUMENT,
      fields: ['events'],
    });
  }
});

test('a batch is answered whole however many of its events are refused, and with whatever ids', async () => {
  const area = `${run}-refused`;
  const good = eventOf({ areaCode: area });
  const bad: Fields = { eventId: 'x'.repeat(400) };
  const events = [good, ...Array.from({ length: 9_999 }, () => bad)];
  const { outcomes } = await clients.server!.recordEvents({ events }, { timeoutMs: 20_000 });
  expect(outcomes).toHaveLength(10_000);
  expect(outcomes[0]).toMatchObject({ eventId: good.eventId, result: Outcome_Result.RECORDED });
  const refused = { result: Outcome_Result.REFUSED, reason: 'INVALID_EVENT' };
  const message = expect.stringMatching(/^event_id: .*; area_code: .*; event_name: /) as string;
  expect(outcomes[1]).toMatchObject({ ...refused, eventId: 'x'.repeat(255), message });
  expect(outcomes.at(-1)).toMatchObject({ ...refused, eventId: 'x'.repeat(36), message: '' });
});

test('renewals tell who is not there, take 1 to 10,000 presences, and name the field that breaks a rule', async () => {
  const here = { areaCode: `${run}-renewed`, multiplayerMode: 'royale', userId: 'ada' };
  await clients.server!.recordEvent(eventOf(here));
  const away = { ...here, userId: 'bob' };
  expect(await clients.server!.renewPresence({ presences: [away, here] })).toMatchObject({
    renewed: 1,
    absent: [away],
  });
  const full = Array.from({ length: 10_000 }, (_, user) => ({ ...here, userId: `user-${user}` }));
  const { absent } = await clients.server!.renewPresence({ presences: full }, { timeoutMs: 20_000 });
  expect(absent.map(({ userId }) => userId)).toEqual(full.map(({ userId }) => userId));
  for (const [presences, field] of [
    [[], 'presences'],
    [[...full, here], 'presences'],
    [[here, { ...here, userId: '' }], 'presences[1].user_id'],
    [[{ ...here, areaCode: 'x'.repeat(256) }], 'presences[0].area_code'],
    [[{ ...here, multiplayerMode: 'a\n' }], 'presences[0].multiplayer_mode'],
  ] as const) {
    expect(await faultOf(clients.server!.renewPresence({ presences: [...presences] }))).toMatchObject({
      code: INVALID_ARGUMENT,
      fields: [field],
    });
  }
});

test('areas are listed within about a second of their counts, and a watch shows each change', async () => {
  const [big, small] = [`${run}-big`, `${run}-small`];
  const watch = clients.anyone!.watchAreaStats({ areaCode: small })[Symbol.asyncIterator]();
  const watched = async () => {
    const { step } = (await watch.next()).value;
    return step.case === 'stats' ? (step.value.modes[0]?.currentCount ?? 0n) : step.case;
  };
  expect(await watched()).toBe(0n);
  await clients.server!.recordEvents({
    events: [small, big, big, big].map((areaCode) => eventOf({ areaCode })),
  });
  expect(await watched()).toBe(1n);
  await watch.return?.();
  const listed = async () => {
    const { areas } = await clients.anyone!.listAreas({ pageSize: 1_000 });
    return areas.filter(({ areaCode }) => [big, small].includes(areaCode)).map(({ currentCount }) => currentCount);
  };
  await until(async () => (await listed()).join() === '3,1', { what: 'the areas to be listed' });
});

test('an answer says in its headers where it came from, how old it is and how long it may be kept', async () => {
  const session = connect(`http://127.0.0.1:${app.grpcPort}`);
  const call = async () => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const headers = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    const message = toBinary(
      GetAreaStatsRequestSchema,
      create(GetAreaStatsRequestSchema, { areaCode: `${run}-headers` }),
    );
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    const body = Buffer.concat(await stream.toArray());
    return { headers: await headers, answer: fromBinary(GetAreaStatsResponseSchema, body.subarray(5)) };
  };
  try {
    const first = await call();
    expect(['replica', 'primary']).toContain(first.headers['realmkeep-source']);
    expect(Number(first.headers['realmkeep-age-ms'])).toBeLessThan(6_000);
    expect(first.headers['cache-control']).toMatch(/^max-age=[01]$/);
    const second = await call();
    expect(second.headers['realmkeep-source']).toBe('l1');
    expect(second.answer).toEqual(first.answer);
    expect(Math.abs(Date.now() - Number(second.answer.asOf!.seconds) * 1_000)).toBeLessThan(10_000);
  } finally {
    session.close();
  }
});
