import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const GET_ITEM = '/realmkeep.player_state.v1.ItemCatalogService/GetItem';
const GET_AREA_STATS = '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats';

describe('the ingress verifies tokens', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let grpc: GrpcCaller;

  beforeAll(async () => {
    upstream = await startUpstream();
    ingress = await startIngress({ upstreams: [{ host: '127.0.0.1', port: upstream.port }] });
    grpc = createGrpcCaller(ingress.port);
  });

  afterAll(async () => {
    grpc.close();
    await ingress.stop();
    upstream.stop();
  });

  it.each(['player', 'server', 'admin'] as const)('lets a good token of a %s pass, and hands it on', async (role) => {
    upstream.reset();
    const token = await ingress.tokens.token({ role, subject: 'someone' });
    expect((await restCall(`${ingress.url}/v1/items/a`, { token })).status).toBe(200);
    expect((await grpc.call(GET_ITEM, { token })).code).toBe(0);
    expect((await grpcWebCall(ingress.url + GET_ITEM, { token })).code).toBe(0);
    expect(upstream.arrivals.map(({ metadata }) => metadata.get('authorization'))).toEqual(
      Array(3).fill([`Bearer ${token}`]),
    );
  });

  it('refuses every bad token in every protocol, before the service is asked', async () => {
    upstream.reset();
    const claims = { role: 'server', subject: 'server-1' } as const;
    const bad = {
      ...(await ingress.tokens.bad(claims)),
      internal: await ingress.tokens.token({ role: 'service', subject: 'item-location', issuer: 'realmkeep-internal' }),
      garbage: 'garbage',
    };
    for (const [fault, token] of Object.entries(bad)) {
      const seen = {
        fault,
        rest: (await restCall(`${ingress.url}/v1/items/a`, { token })).status,
        grpc: (await grpc.call(GET_ITEM, { token })).code,
        grpcWeb: (await grpcWebCall(ingress.url + GET_ITEM, { token })).code,
        // Where no token is needed, one that is sent must still be good.
        open: (await restCall(`${ingress.url}/stats?area_code=1`, { token })).status,
        openGrpc: (await grpc.call(GET_AREA_STATS, { token })).code,
      };
      expect(seen).toEqual({ fault, rest: 401, grpc: 16, grpcWeb: 16, open: 401, openGrpc: 16 });
    }
    expect(upstream.arrivals).toEqual([]);
  });

  it('answers without a token only where the contract says ANYONE', async () => {
    expect((await restCall(`${ingress.url}/stats?area_code=1`)).status).toBe(200);
    expect((await restCall(`${ingress.url}/v1/items/a`)).status).toBe(401);
  });

  it('takes a token from the authorization header only', async () => {
    const token = await ingress.tokens.token({ role: 'server', subject: 'server-1' });
    expect((await restCall(`${ingress.url}/v1/items/a?access_token=${token}`)).status).not.toBe(200);
  });
});
