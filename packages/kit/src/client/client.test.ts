import { clone, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { unavailable } from '../errors/common.ts';
import type { RpcError } from '../errors/rpc-error.ts';
import { answering } from '../server/answering.fixture.ts';
import type { CallContext } from '../server/implementation.ts';
import { rejection, type ServerFixture, startServerFixture } from '../server/server.fixture.ts';
import { createClient } from './client.ts';
import { serviceConfigOf } from './service-config.ts';

const item = { itemId: 'iron-sword' };
let fixture: ServerFixture;
let token: string;
let calls: CallContext[] = [];
let answer: (context: CallContext) => Promise<Uint8Array>;

beforeAll(async () => {
  const handler = (_request: unknown, context: CallContext) => {
    calls.push(context);
    return answer(context);
  };
  fixture = await startServerFixture({
    implementations: [answering(ItemCatalogService, { getItem: handler, createItem: handler })],
  });
  token = await fixture.tokens.token({ role: 'admin', subject: 'an-admin' });
});
afterAll(() => fixture.close());
beforeEach(() => {
  calls = [];
  answer = async () => new Uint8Array();
});

/** The catalog as a contract would have it that declares nothing of CreateItem's idempotency. */
function withUnsafeCreateItem(): typeof ItemCatalogService {
  const { file } = ItemCatalogService;
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  proto.service[0]!.method[0]!.options!.idempotencyLevel = MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
  const registry = createFileRegistry(proto, (name) => file.dependencies.find((known) => known.proto.name === name));
  return registry.getService(ItemCatalogService.typeName) as DescService as typeof ItemCatalogService;
}

test('only what the contract declares safe is made again when it was UNAVAILABLE', async () => {
  answer = async () => {
    throw unavailable('not now', 10);
  };
  const create = { ...item, name: 'Iron sword', kind: 'weapon' };
  const client = fixture.client(withUnsafeCreateItem(), token);
  expect(await rejection(client.createItem(create))).toMatchObject({ message: 'not now' });
  expect(calls).toHaveLength(1);
  calls = [];
  expect(await rejection(client.getItem(item))).toMatchObject({ message: 'not now', reason: 'UNAVAILABLE' });
  expect(calls).toHaveLength(3);
});

test('a safe call succeeds when one of its attempts does', async () => {
  answer = async () => {
    if (calls.length === 1) throw unavailable('not now', 10);
    return new Uint8Array();
  };
  await fixture.client(ItemCatalogService, token).getItem(item);
  expect(calls).toHaveLength(2);
});

test('the service config names every safe method and balances over all addresses', () => {
  const config = JSON.parse(serviceConfigOf(withUnsafeCreateItem()));
  expect(config.loadBalancingConfig).toEqual([{ round_robin: {} }]);
  const safe = ItemCatalogService.methods.map(({ name }) => name).filter((name) => name !== 'CreateItem');
  expect(config.methodConfig[0].name.map(({ method }: { method: string }) => method)).toEqual(safe);
});

test('a call made for another one has its deadline, its end and its trace', async () => {
  const client = fixture.client(ItemCatalogService, token);
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };
  const deadline = Date.now() + 700;
  const leaving = new AbortController();
  await client.getItem(item, { context: { deadline, trace, signal: leaving.signal } });
  expect(calls[0]!.trace).toEqual(trace);
  expect(Math.abs(calls[0]!.deadline! - deadline)).toBeLessThan(300);

  await client.getItem(item, { timeoutMs: 100, context: { deadline, trace, signal: leaving.signal } });
  expect(calls[1]!.deadline).toBeLessThan(deadline);

  answer = () => new Promise(() => undefined);
  const cut = rejection(client.getItem(item, { context: { deadline: undefined, trace, signal: leaving.signal } }));
  await expect.poll(() => calls.length).toBe(3);
  leaving.abort(unavailable('the outer call is over', 0));
  expect(await cut).toMatchObject({ message: 'the outer call is over' });
  await expect.poll(() => calls[2]!.signal.aborted).toBe(true);
  // Over before it began: not made at all.
  expect(await rejection(client.getItem(item, { signal: leaving.signal }))).toMatchObject({ reason: 'UNAVAILABLE' });
  expect(calls).toHaveLength(3);
});

test('a call without a trace begins one that is not sampled', async () => {
  await fixture.client(ItemCatalogService, token).getItem(item);
  expect(calls[0]!.trace).toMatchObject({ sampled: false });
});

test('a server that can not be reached is UNAVAILABLE soon, and its address stays inside', async () => {
  const client = createClient(ItemCatalogService, { address: '127.0.0.1:1' });
  for (let round = 0; round < 3; round += 1) {
    const before = Date.now();
    const fault = (await rejection(client.getItem(item))) as RpcError;
    expect(Date.now() - before).toBeLessThan(4_000);
    expect(fault).toMatchObject({ code: status.UNAVAILABLE, reason: 'UNAVAILABLE' });
    expect(fault.message).toBe('realmkeep.player_state.v1.ItemCatalogService can not be reached');
  }
  client.close();
});

test('a token that can not be made is an internal error', async () => {
  const failing = { token: () => Promise.reject(new Error('ENOENT /keys/internal.jwk.json')) };
  const client = createClient(ItemCatalogService, { address: fixture.address, serviceTokens: failing });
  expect(await rejection(client.getItem(item))).toMatchObject({ code: status.INTERNAL, message: 'internal error' });
  client.close();
});
