import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import {
  GetItemResponseSchema,
  ItemCatalogService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../client/client.ts';
import { answering } from './answering.fixture.ts';
import type { CallContext } from './implementation.ts';
import { rejection, type ServerFixture, startServerFixture } from './server.fixture.ts';

const MOST = 3;
const item = { itemId: 'iron-sword' };
let fixture: ServerFixture;
let client: Client<typeof ItemCatalogService>;
let started: CallContext[] = [];
let release: () => void = () => undefined;
let released: Promise<void>;

function hold(): void {
  started = [];
  released = new Promise((resolve) => {
    release = resolve;
  });
}

beforeAll(async () => {
  const getItem = async (_request: unknown, context: CallContext) => {
    started.push(context);
    await released;
    return create(GetItemResponseSchema);
  };
  fixture = await startServerFixture({
    implementations: [answering(ItemCatalogService, { getItem })],
    maxInWork: MOST,
  });
  client = fixture.client(ItemCatalogService, await fixture.tokens.token({ role: 'server', subject: 's' }));
});
afterAll(() => fixture.close());

test('beyond the bound a call is refused with a delay, and those in work finish', async () => {
  hold();
  const inWork = Array.from({ length: MOST }, () => client.getItem(item));
  await expect.poll(() => started.length).toBe(MOST);

  const fault = await rejection(client.getItem(item));
  expect(fault).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: 'RESOURCE_EXHAUSTED' });
  expect(JSON.stringify((fault as { details: { $typeName: string }[] }).details.map((d) => d.$typeName))).toContain(
    'google.rpc.RetryInfo',
  );
  release();
  await Promise.all(inWork);
  await client.getItem(item);
});

test('a handler sees its deadline, and is aborted when it passes', async () => {
  hold();
  const before = Date.now();
  expect(await rejection(client.getItem(item, { timeoutMs: 150 }))).toMatchObject({
    code: status.DEADLINE_EXCEEDED,
    reason: 'DEADLINE_EXCEEDED',
  });
  const [context] = started;
  expect(context!.deadline).toBeGreaterThan(before);
  expect(context!.deadline).toBeLessThan(before + 1_000);
  await expect.poll(() => context!.signal.aborted).toBe(true);
  expect(context!.signal.reason).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  release();
});

test('a handler is aborted when its caller leaves, and makes room', async () => {
  hold();
  const leaving = new AbortController();
  const faults = Array.from({ length: MOST }, () => rejection(client.getItem(item, { signal: leaving.signal })));
  await expect.poll(() => started.length).toBe(MOST);
  const signals = started.map(({ signal }) => signal);
  leaving.abort();
  for (const fault of await Promise.all(faults)) expect(fault).toMatchObject({ code: status.CANCELLED });
  await expect.poll(() => signals.every(({ aborted }) => aborted)).toBe(true);
  expect(signals[0]!.reason).toMatchObject({ code: status.CANCELLED });
  release();
  await expect
    .poll(() =>
      client.getItem(item).then(
        () => 'answered',
        () => 'refused',
      ),
    )
    .toBe('answered');
  expect(fixture.logged).toEqual([]);
});

test('a header reaches the caller only before the answer', async () => {
  hold();
  release();
  await client.getItem(item);
  expect(() => started[0]!.header('late', 'x')).toThrow(/too late/);
});
