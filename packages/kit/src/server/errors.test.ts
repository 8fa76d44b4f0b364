import { create, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import {
  GetItemResponseSchema,
  ItemCatalogService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Client } from '../client/client.ts';
import { unavailable } from '../errors/common.ts';
import { defineRefusals } from '../errors/refusals.ts';
import { type ErrorDetail, RpcError } from '../errors/rpc-error.ts';
import { answering } from './answering.fixture.ts';
import { rejection, type ServerFixture, startServerFixture } from './server.fixture.ts';

const refusals = defineRefusals('catalog.realmkeep', { ITEM_NOT_FOUND: 'NOT_FOUND', ITEM_ID_REUSED: 'ALREADY_EXISTS' });
let fixture: ServerFixture;
let client: Client<typeof ItemCatalogService>;
let answer: () => Uint8Array;

beforeAll(async () => {
  fixture = await startServerFixture({
    implementations: [answering(ItemCatalogService, { getItem: async () => answer() })],
  });
  client = fixture.client(ItemCatalogService, await fixture.tokens.token({ role: 'server', subject: 'a-server' }));
});
afterAll(() => fixture.close());
beforeEach(() => {
  fixture.logged.length = 0;
});

async function failWith(thrown: unknown): Promise<RpcError> {
  answer = () => {
    throw thrown;
  };
  return (await rejection(client.getItem({ itemId: 'iron-sword' }))) as RpcError;
}
const infos = (details: ErrorDetail[]) => details.filter(({ $typeName }) => $typeName === 'google.rpc.ErrorInfo');

test('a refusal arrives with its code, its message, its reason and its facts', async () => {
  const fault = await failWith(refusals.ITEM_NOT_FOUND('no item “iron-sword”', { item_id: 'iron-sword' }));
  expect(fault).toMatchObject({ code: status.NOT_FOUND, message: 'no item “iron-sword”' });
  expect(fault.details).toEqual([
    create(ErrorInfoSchema, {
      reason: 'ITEM_NOT_FOUND',
      domain: 'catalog.realmkeep',
      metadata: { item_id: 'iron-sword' },
    }),
  ]);
  expect(fixture.logged).toEqual([]);
});

test('an internal error hides the inside and is logged', async () => {
  for (const thrown of [
    new Error('password authentication failed for 10.0.0.3'),
    'a text',
    undefined,
    new RpcError(status.INTERNAL, 'column "x" does not exist'),
    new RpcError(status.UNKNOWN, 'stack trace'),
  ]) {
    fixture.logged.length = 0;
    const fault = await failWith(thrown);
    expect(fault).toMatchObject({ code: status.INTERNAL, message: 'internal error', reason: 'INTERNAL' });
    expect(JSON.stringify(fault.details)).not.toMatch(/password|10\.0\.0|column|stack/);
    expect(fixture.logged).toMatchObject([
      { level: 'error', method: 'realmkeep.player_state.v1.ItemCatalogService/GetItem', caller: 'a-server' },
    ]);
  }
});

test('each error carries exactly one reason, of the domain of the service that it leaves', async () => {
  const twice = create(ErrorInfoSchema, { reason: 'TWICE', domain: 'd' });
  const of = async (error: RpcError) => infos((await failWith(error)).details);
  expect(await of(new RpcError(status.ABORTED, 'none'))).toMatchObject([
    { reason: 'ABORTED', domain: 'test.realmkeep' },
  ]);
  expect(await of(new RpcError(status.ABORTED, 'two', [twice, twice]))).toMatchObject([
    { reason: 'TWICE', domain: 'd' },
  ]);
  expect(await of(unavailable('later', 250))).toMatchObject([{ reason: 'UNAVAILABLE', domain: 'test.realmkeep' }]);
});

test('an error that says when to retry says so', async () => {
  const { details } = await failWith(new RpcError(status.RESOURCE_EXHAUSTED, 'x', unavailable('', 1_250).details));
  expect(details.find((detail) => detail.$typeName === 'google.rpc.RetryInfo')?.retryDelay).toMatchObject({
    seconds: 1n,
    nanos: 250_000_000,
  });
});

test('a message with any characters arrives', async () => {
  expect((await failWith(refusals.ITEM_ID_REUSED('ä\n%20\ud800'))).message).toBe('ä\n%20\ufffd');
});

test('ready bytes arrive as they are', async () => {
  const item = { itemId: 'iron-sword', name: 'Iron sword' };
  answer = () => toBinary(GetItemResponseSchema, create(GetItemResponseSchema, { item }));
  expect((await client.getItem({ itemId: 'iron-sword' })).item).toMatchObject(item);
});

test('an answer of more than 4 MB is refused and not sent', async () => {
  answer = () => new Uint8Array(4_200_000);
  expect(await rejection(client.getItem({ itemId: 'iron-sword' }))).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    reason: 'RESPONSE_TOO_LARGE',
  });
});
