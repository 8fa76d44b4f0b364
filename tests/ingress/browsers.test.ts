import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { ErrorInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import {
  AreaStatsService,
  GetAreaStatsResponseSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

describe('browsers through the ingress', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let transport: Transport;

  beforeAll(async () => {
    upstream = await startUpstream();
    ingress = await startIngress({
      upstreams: [{ host: '127.0.0.1', port: upstream.port }],
      origins: 'https://([a-z]+\\.)?game\\.example',
    });
    transport = createGrpcWebTransport({ baseUrl: ingress.url });
    upstream.answer('/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats', () =>
      create(GetAreaStatsResponseSchema, { areaCode: '111', mostPlayedMode: 'royale' }),
    );
  });

  afterAll(async () => {
    await ingress.stop();
    upstream.stop();
  });

  it('calls over gRPC-Web with the Connect client', async () => {
    const answer = await createClient(AreaStatsService, transport).getAreaStats({ areaCode: '111' });
    expect(answer).toMatchObject({ areaCode: '111', mostPlayedMode: 'royale' });
  });

  it("reads the ingress's refusals with their details", async () => {
    const refused = createClient(AreaStatsService, transport).recordEvent({});
    const error = await refused.catch((error: unknown) => ConnectError.from(error));
    expect(error).toMatchObject({
      code: Code.Unauthenticated,
      rawMessage: 'the token is missing, expired or not valid',
    });
    expect((error as ConnectError).findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: 'UNAUTHENTICATED', domain: 'ingress.realmkeep' },
    ]);
  });

  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };

  it.each(['/v1/items', '/realmkeep.area_stats.v1.AreaStatsService/RecordEvent'])(
    'a page of an allowed origin may call %s, and read what answers tell',
    async (path) => {
      const headers = { origin: 'https://play.game.example', ...preflight };
      const allowed = await restCall(ingress.url + path, { method: 'OPTIONS', headers });
      expect(allowed.status).toBe(200);
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://play.game.example');
      expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
      const refused = await restCall(ingress.url + path, { method: 'POST', headers: { origin: headers.origin } });
      expect(refused.headers.get('access-control-allow-origin')).toBe('https://play.game.example');
      const provenance = ['source', 'age-ms', 'followed-age-ms', 'version'].map((name) => `realmkeep-${name}`);
      for (const header of ['grpc-status-details-bin', ...provenance]) {
        expect(refused.headers.get('access-control-expose-headers')).toContain(header);
      }
    },
  );

  it('a page of another origin may not', async () => {
    const headers = { origin: 'https://game.example.evil.example', ...preflight };
    const answer = await restCall(`${ingress.url}/v1/items`, { method: 'OPTIONS', headers });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});
