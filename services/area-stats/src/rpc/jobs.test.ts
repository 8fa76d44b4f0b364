import { randomUUID } from 'node:crypto';
import type { Service } from '@realmkeep/kit/app/service';
import { createClient } from '@realmkeep/kit/client/client';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { Job_State } from '@realmkeep/proto/realmkeep/area_stats/v1/job';
import { JobService } from '@realmkeep/proto/realmkeep/area_stats/v1/job_service';
import { writeKeys } from '@realmkeep/testkit/key-files';
import { until } from '@realmkeep/testkit/parts/until';
import { stores } from '@realmkeep/testkit/stores';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.ts';
import { startApp } from '../app.ts';
import { readSettings } from '../config.ts';

let database: TestDatabase;
let keys: Awaited<ReturnType<typeof writeKeys>>;
let app: Service;
const clients: Record<string, ReturnType<typeof clientOf>> = {};

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
  return createClient(JobService, {
    address: `127.0.0.1:${app.grpcPort}`,
    ...(token ? { serviceTokens: { token: async () => token } } : {}),
  });
}

/** The reason and the fields of a call's error; undefined when it succeeds. */
async function faultOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  if (error === undefined) return undefined;
  if (!(error instanceof RpcError)) throw error;
  const request = error.details.find((detail) => detail.$typeName === 'google.rpc.BadRequest');
  return [error.reason, ...(request?.fieldViolations.map(({ field }) => field) ?? [])].join(' ');
}

test('each RPC is allowed to the roles of its contract and denied to the others', async () => {
  const jobId = randomUUID();
  const calls = [
    (role: string) => clients[role]!.generateData({ events: 1n, jobId }),
    (role: string) => clients[role]!.getJob({ jobId }),
    (role: string) => clients[role]!.cancelJob({ jobId }),
  ];
  for (const call of calls) {
    expect(await faultOf(call('admin'))).toBeUndefined();
    expect(await faultOf(call('anyone'))).toBe('TOKEN_MISSING');
    for (const role of ['player', 'server', 'service'])
      expect(await faultOf(call(role)), role).toBe('ROLE_NOT_ALLOWED');
  }
});

test('what is asked for is generated with the defaults of the contract, and the job shows it', async () => {
  const { job } = await clients.admin!.generateData({ events: 500n, seed: 7n });
  expect(job).toMatchObject({ state: Job_State.QUEUED, events: 500n, eventsDone: 0n, error: '' });
  const now = async () => (await clients.admin!.getJob({ jobId: job!.jobId.toUpperCase() })).job!;
  await until(async () => (await now()).state === Job_State.SUCCEEDED, { what: 'the job to end', within: 30_000 });
  const done = await now();
  expect(done).toMatchObject({ eventsDone: 500n, eventsRecorded: 500n });
  expect(Number(done.endTime!.seconds)).toBeGreaterThanOrEqual(Number(done.startTime!.seconds));
  const [log] = await database.rows<{ areas: number; modes: number; hours: number }>(`
    select count(distinct area_code)::int as areas, count(distinct multiplayer_mode)::int as modes,
      round(extract(epoch from max(event_time) - min(event_time)) / 3600)::int as hours
    from area_mode_events where user_id like 'generated-%'`);
  expect(log).toEqual({ areas: 10, modes: 5, hours: 24 });
});

test('each fault of a request is refused by the name of its field', async () => {
  const generate = (fields: object) => faultOf(clients.admin!.generateData({ events: 1n, ...fields }));
  const faults: [string, object][] = [
    ...[0n, -1n, 10_000_001n].map((events): [string, object] => ['events', { events }]),
    ...[-1, 10_001].map((areas): [string, object] => ['areas', { areas }]),
    ...[-1, 101].map((modes): [string, object] => ['modes', { modes }]),
    ...[-1, 10_000_001].map((users): [string, object] => ['users', { users }]),
    ...[0n, 518_401n].map((seconds): [string, object] => ['span', { span: { seconds } }]),
    ['job_id', { jobId: 'x' }],
  ];
  for (const [field, fields] of faults) expect(await generate(fields), field).toBe(`INVALID_ARGUMENT ${field}`);
  expect(await faultOf(clients.admin!.getJob({ jobId: 'x' }))).toBe('INVALID_ARGUMENT job_id');
  expect(await faultOf(clients.admin!.getJob({ jobId: randomUUID() }))).toBe('JOB_NOT_FOUND');
  expect(await faultOf(clients.admin!.cancelJob({ jobId: randomUUID() }))).toBe('JOB_NOT_FOUND');
});
