import { randomUUID } from 'node:crypto';
import { create, type Message } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '@realmkeep/kit/errors/common';
import { encodeStatus } from '@realmkeep/kit/errors/status-details';
import { MAX_MESSAGE_BYTES } from '@realmkeep/kit/server/encode';
import { GetAreaStatsResponseSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import {
  ListItemLocationsResponseSchema,
  MoveItemsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGrpcCaller } from './grpc-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const AREA_STATS = '/realmkeep.area_stats.v1.AreaStatsService';
const MOVE_ITEMS = '/realmkeep.item_location.v1.ItemLocationService/MoveItems';
const LIST_ITEM_LOCATIONS = '/realmkeep.item_location.v1.ItemLocationService/ListItemLocations';

describe('REST through the ingress', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let token: string;

  beforeAll(async () => {
    upstream = await startUpstream();
    ingress = await startIngress({ upstreams: [{ host: '127.0.0.1', port: upstream.port }] });
    token = await ingress.tokens.token({ role: 'server', subject: 'server-1' });
  });

  beforeEach(() => upstream.reset());

  afterAll(async () => {
    await ingress.stop();
    upstream.stop();
  });

  /** What arrived at the services, without what protobuf-es adds. */
  function arrived(): Message[] {
    return upstream.arrivals.map(({ request }) => JSON.parse(JSON.stringify({ ...request, $typeName: undefined })));
  }

  it('accepts a query parameter by its proto name and by its JSON name', async () => {
    await restCall(`${ingress.url}/stats?area_code=111`);
    await restCall(`${ingress.url}/stats?areaCode=11%202+3`);
    expect(arrived()).toEqual([{ areaCode: '111' }, { areaCode: '11 2 3' }]);
  });

  it('accepts a field of a body by its proto name and by its JSON name, with or without a content type', async () => {
    const events = `${ingress.url}/events`;
    await restCall(events, { method: 'POST', token, body: '{"area_code":"111","user_id":"u"}' });
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    await restCall(events, { method: 'POST', token, headers, body: ' {"areaCode":"111", "userId":"\\u0075"} ' });
    expect(arrived()).toEqual(Array(2).fill(expect.objectContaining({ areaCode: '111', userId: 'u' })));
  });

  it('accepts a trailing slash', async () => {
    expect((await restCall(`${ingress.url}/events/`, { method: 'POST', token, body: {} })).status).toBe(200);
    const refused = await restCall(`${ingress.url}/events/`, { method: 'POST', token, body: { bogus: 1 } });
    expect(refused.status).toBe(400);
  });

  it('takes ids from the path', async () => {
    await restCall(`${ingress.url}/v1/items/iron%20sword`, { token });
    expect(arrived()).toEqual([{ itemId: 'iron sword' }]);
  });

  it('answers with proto field names, default values, and 64-bit numbers as strings', async () => {
    upstream.answer(`${AREA_STATS}/GetAreaStats`, () =>
      create(GetAreaStatsResponseSchema, {
        areaCode: '111',
        modes: [{ multiplayerMode: 'royale', currentCount: 0n }],
        asOf: { seconds: 1_795_000_000n, nanos: 5_000_000 },
      }),
    );
    expect((await restCall(`${ingress.url}/stats?area_code=111`)).body).toEqual({
      area_code: '111',
      modes: [{ multiplayer_mode: 'royale', current_count: '0' }],
      most_played_mode: '',
      as_of: '2026-11-18T11:06:40.005Z',
    });
  });

  it('shows the headers of a service that say where its answer came from', async () => {
    const { headers } = await restCall(`${ingress.url}/stats?area_code=111`);
    expect(headers.get('realmkeep-source')).toBe('primary');
  });

  it("shows a service's refusal with its details", async () => {
    const refusal = invalidArgument([{ field: 'area_code', description: 'must not be empty' }]);
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', encodeStatus(refusal.code, refusal.message, refusal.details));
    upstream.answer(`${AREA_STATS}/GetAreaStats`, () =>
      Object.assign(new Error(refusal.message), { code: refusal.code, details: refusal.message, metadata }),
    );
    const { status, body } = await restCall(`${ingress.url}/stats`);
    expect(status).toBe(400);
    expect(body).toEqual({
      code: 3,
      message: refusal.message,
      details: expect.arrayContaining([
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          field_violations: [expect.objectContaining({ field: 'area_code', description: 'must not be empty' })],
        },
      ]),
    });
  });

  it('carries an answer of 2 MB, over REST and gRPC', async () => {
    const itemLocations = Array.from({ length: 8_000 }, (_, at) => ({
      gameItemId: `${at}`,
      itemName: 'n'.repeat(250),
    }));
    upstream.answer(LIST_ITEM_LOCATIONS, () => create(ListItemLocationsResponseSchema, { itemLocations }));
    const rest = await restCall(`${ingress.url}/v1/item-locations?item_id=a`, { token });
    expect((rest.body as { item_locations: unknown[] }).item_locations).toHaveLength(8_000);
    const grpc = createGrpcCaller(ingress.port);
    const { body } = await grpc.call(LIST_ITEM_LOCATIONS, { token });
    grpc.close();
    expect(body.length).toBeGreaterThan(2_000_000);
  });

  it('carries 500 moves of the longest names, also where JSON escapes every character, over REST and gRPC', async () => {
    const grpc = createGrpcCaller(ingress.port);
    // U+E0001 has 4 bytes, and 12 in JSON: no character that a name may have has more.
    for (const [name, bytes, jsonBytes] of [
      ['\u{1f48e}'.repeat(255), 2_700_000, 2_800_000],
      ['\u{e0001}'.repeat(255), 2_700_000, 7_900_000],
    ] as const) {
      const long = {
        ...{ gameItemId: randomUUID(), itemId: 'g'.repeat(128), ownerId: randomUUID(), locationId: randomUUID() },
        ...{ itemName: name, itemKind: name, ownerName: name, locationName: name, areaCode: name },
        ...{ quantity: 2n ** 63n - 1n, version: 2n ** 63n - 1n, sourceVersion: 2n ** 63n - 1n },
        position: { x: -1.2345678901234568e-300, y: -1.2345678901234568e-300, z: -1.2345678901234568e-300 },
        updateTime: { seconds: 1_800_000_000n, nanos: 123_456_789 },
      };
      const itemLocations = Array(500).fill(long);
      upstream.answer(MOVE_ITEMS, () => create(MoveItemsResponseSchema, { itemLocations, replayed: true }));
      const { body } = await grpc.call(MOVE_ITEMS, { token });
      expect(body.length).toBeGreaterThan(bytes);
      expect(body.length).toBeLessThan(MAX_MESSAGE_BYTES);
      const rest = await restCall(`${ingress.url}/v1/item-locations:move`, { method: 'POST', token, body: {} });
      expect(rest.status).toBe(200);
      expect((rest.body as { item_locations: unknown[] }).item_locations).toHaveLength(500);
      expect(rest.bytes).toBeGreaterThan(jsonBytes);
      expect(rest.bytes).toBeLessThan(8_100_000);
    }
    grpc.close();
  });

  it('carries a batch of 10,000 events of the longest strings that fit in 4 MB', async () => {
    const events = Array.from({ length: 10_000 }, (_, at) => ({ event_id: `${at}`, user_id: 'u'.repeat(255) }));
    const answer = await restCall(`${ingress.url}/v1/events:batch`, { method: 'POST', token, body: { events } });
    expect(answer.status).toBe(200);
    expect(upstream.arrivals.map(({ request }) => (request as unknown as { events: [] }).events.length)).toEqual([
      10_000,
    ]);
  });

  it('answers for its own health', async () => {
    expect((await restCall(`${ingress.url}/healthz`)).status).toBe(200);
  });
});
