import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  AreaStatsService,
  RecordEventRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import {
  MoveItemsRequestSchema,
  NearbyItemLocationsRequestSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RpcError } from '../errors/rpc-error.ts';
import { answering } from './answering.fixture.ts';
import { rejection, type ServerFixture, startServerFixture } from './server.fixture.ts';
import { violationsOf } from './validator.ts';

const UUID = '0198c2a4-5c55-7bd0-8a43-3d0b5a1c2f11';
let fixture: ServerFixture;
let token: string;
let handled = 0;

beforeAll(async () => {
  const answer = async () => {
    handled += 1;
    return new Uint8Array();
  };
  fixture = await startServerFixture({
    implementations: [
      answering(PlayerStateService, { applyTransaction: answer, getPlayerState: answer }),
      answering(AreaStatsService, { getAreaStats: answer, recordEvent: answer, recordEvents: answer }),
    ],
  });
  token = await fixture.tokens.token({ role: 'server', subject: 's' });
});
afterAll(() => fixture.close());

function violated(fault: unknown): string[] {
  return (fault as RpcError).details.flatMap((detail) =>
    detail.$typeName === 'google.rpc.BadRequest' ? detail.fieldViolations.map(({ field }) => field) : [],
  );
}

/** Sends these bytes as they are. */
function sendBytes(path: string, bytes: Buffer): Promise<ServiceError | null> {
  const client = new Client(fixture.address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const asIs = (given: Buffer) => given;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, {}, (fault) => {
      client.close();
      resolve(fault);
    });
  });
}

test('a fault names its field by the path in the contract, and nothing reaches the handler', async () => {
  const good = { playerId: UUID, operation: { case: 'credit' as const, value: { currency: 'gold', amount: 1n } } };
  const bad = { playerId: UUID, operation: { case: 'credit' as const, value: { currency: 'gold', amount: -5n } } };
  const client = fixture.client(PlayerStateService, token);
  const fault = await rejection(
    client.applyTransaction({ transactionId: 'no uuid', operations: [good, good, good, bad] }),
  );
  expect(fault).toMatchObject({ code: status.INVALID_ARGUMENT, reason: 'INVALID_ARGUMENT' });
  expect(violated(fault).sort()).toEqual(['operations[3].credit.amount', 'transaction_id']);
  expect((fault as Error).message).toContain('operations[3].credit.amount: ');
  expect(handled).toBe(0);
});

test('a fault with very many violations still fits into a trailer', async () => {
  const operations = Array.from({ length: 100 }, () => ({ playerId: 'no uuid' }));
  const client = fixture.client(PlayerStateService, token);
  const fault = await rejection(client.applyTransaction({ transactionId: UUID, operations }));
  expect(fault).toMatchObject({ code: status.INVALID_ARGUMENT });
  expect(violated(fault)).toHaveLength(25);
  expect((fault as Error).message).toMatch(/and \d+ more$/);
});

test('bytes that are no such message are refused as INVALID_ARGUMENT', async () => {
  const path = '/realmkeep.player_state.v1.PlayerStateService/GetPlayerState';
  for (const bytes of [Buffer.from([0x0a, 0xff]), Buffer.from('no protobuf'), Buffer.from([0x0a, 1, 0xff])]) {
    const fault = await sendBytes(path, bytes);
    expect(fault?.code).toBe(status.INVALID_ARGUMENT);
    expect(fault?.details).toContain('realmkeep.player_state.v1.GetPlayerStateRequest');
  }
  expect(handled).toBe(0);
});

test('a request of more than 4 MB is refused as RESOURCE_EXHAUSTED', async () => {
  const fault = await sendBytes('/realmkeep.area_stats.v1.AreaStatsService/RecordEvents', Buffer.alloc(4_200_000));
  expect(fault?.code).toBe(status.RESOURCE_EXHAUSTED);
});

test('a service can validate messages one by one', () => {
  const event = create(RecordEventRequestSchema, { eventId: 'x', areaCode: '', eventName: 'JUMP' });
  expect(violationsOf(RecordEventRequestSchema, event).map(({ field }) => field)).toEqual([
    'event_id',
    'area_code',
    'multiplayer_mode',
    'user_id',
    'event_name',
  ]);
});

test('a number that is not finite is named by its field', () => {
  const nearby = create(NearbyItemLocationsRequestSchema, { areaCode: '1', y: Number.NaN, maxDistance: Infinity });
  expect(violationsOf(NearbyItemLocationsRequestSchema, nearby).map(({ field }) => field)).toEqual([
    'y',
    'max_distance',
  ]);
  const move = { gameItemId: UUID, locationId: UUID, position: { x: 0, y: 0, z: -Infinity } };
  const moves = create(MoveItemsRequestSchema, { requestId: UUID, moves: [move] });
  expect(violationsOf(MoveItemsRequestSchema, moves).map(({ field }) => field)).toEqual(['moves[0].position.z']);
});
