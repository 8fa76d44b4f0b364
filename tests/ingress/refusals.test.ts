import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRpcs } from '../../tools/generate/envoy/rpc.ts';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const GET_ITEM = '/realmkeep.player_state.v1.ItemCatalogService/GetItem';

/** What a REST caller must see: a google.rpc.Status with exactly one ErrorInfo of the ingress. */
function status(code: number, reason: string, message: string, retryDelay?: string) {
  return {
    code,
    message,
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason,
        domain: 'ingress.realmkeep',
        metadata: {},
      },
      ...(retryDelay ? [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retry_delay: retryDelay }] : []),
    ],
  };
}

describe('every refusal of the ingress is a google.rpc.Status in the form of its caller', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let away: Ingress;
  let grpc: GrpcCaller;
  let grpcAway: GrpcCaller;
  let token: string;
  let awayToken: string;

  beforeAll(async () => {
    upstream = await startUpstream();
    // The contract, with one RPC that has little time.
    const rpcs = readRpcs(descriptorSetPath).map((rpc) =>
      rpc.path === GET_ITEM ? { ...rpc, timeoutSeconds: 0.3 } : rpc,
    );
    [ingress, away] = await Promise.all([
      startIngress({ upstreams: [{ host: '127.0.0.1', port: upstream.port }], rpcs }),
      startIngress({ upstreams: [] }),
    ]);
    grpc = createGrpcCaller(ingress.port);
    grpcAway = createGrpcCaller(away.port);
    token = await ingress.tokens.token({ role: 'server', subject: 'server-1' });
    awayToken = await away.tokens.token({ role: 'server', subject: 'server-1' });
    upstream.answer(GET_ITEM, () => new Promise(() => undefined));
  });

  afterAll(async () => {
    grpc.close();
    grpcAway.close();
    await Promise.all([ingress.stop(), away.stop()]);
    upstream.stop();
  });

  it('no token', async () => {
    const message = 'the token is missing, expired or not valid';
    const rest = await restCall(`${ingress.url}/v1/items`);
    expect(rest.status).toBe(401);
    expect(rest.body).toEqual(status(16, 'UNAUTHENTICATED', `${message}: Jwt is missing`));
    expect(rest.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(await grpc.call(GET_ITEM)).toMatchObject({
      code: 16,
      message: `${message}: Jwt is missing`,
      reason: 'UNAUTHENTICATED',
      domain: 'ingress.realmkeep',
    });
    expect(await grpcWebCall(ingress.url + GET_ITEM)).toMatchObject({ code: 16, message, reason: 'UNAUTHENTICATED' });
  });

  it('a token for another audience', async () => {
    const { wrongAudience } = await ingress.tokens.bad({ role: 'server', subject: 'server-1' });
    const message = 'the token is for another audience';
    const rest = await restCall(`${ingress.url}/v1/items`, { token: wrongAudience });
    expect([rest.status, rest.body]).toEqual([401, status(16, 'UNAUTHENTICATED', message)]);
    const expected = { code: 16, message, reason: 'UNAUTHENTICATED' };
    expect(await grpc.call(GET_ITEM, { token: wrongAudience })).toMatchObject(expected);
    expect(await grpcWebCall(ingress.url + GET_ITEM, { token: wrongAudience })).toMatchObject(expected);
  });

  it('an unknown path', async () => {
    const message = 'nothing is served at this method and path';
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['POST', '/stats'],
      ['POST', GET_ITEM],
      ['POST', '/'],
      ['POST', '/docs'],
    ] as const) {
      const rest = await restCall(ingress.url + path, { method, token });
      expect([rest.status, rest.body]).toEqual([404, status(5, 'ROUTE_NOT_FOUND', message)]);
    }
    const expected = { code: 12, message, reason: 'ROUTE_NOT_FOUND' };
    expect(await grpc.call('/realmkeep.nothing.v1.Nothing/Nothing', { token })).toMatchObject(expected);
    expect(await grpcWebCall(`${ingress.url}/realmkeep.nothing.v1.Nothing/Nothing`)).toMatchObject(expected);
  });

  it.each([
    ['POST', '/events', '{"event_id":', 'there is no value at byte 13'],
    ['POST', '/events', '{"event_id":"x",}', 'there is no field name at byte 17'],
    ['POST', '/events', "{'event_id':'x'}", 'there is no field name at byte 2'],
    ['POST', '/events', '{"event_id":"x"}{}', 'it goes on behind its end, at byte 17'],
    ['POST', '/events', `{"ack":${'['.repeat(100)}${']'.repeat(100)}}`, 'it is nested too deep'],
    ['POST', '/events', '{"event_id":"x","bogus":1}', 'there is no field "bogus"'],
    [
      'POST',
      '/v1/transactions',
      '{"operations":[{},{"credit":{"amout":"5"}}]}',
      'there is no field "operations[1].credit.amout"',
    ],
  ])('a malformed body: %s %s %s', async (method, path, body, words) => {
    const rest = await restCall(ingress.url + path, { method, body, token });
    expect([rest.status, rest.body]).toEqual([
      400,
      status(3, 'MALFORMED_REQUEST', `the request is malformed: ${words}`),
    ]);
  });

  it.each([
    ['GET', '/stats?area_kode=1', undefined, 'area_kode'],
    ['GET', '/v1/items?page_size=many', undefined, 'page_size'],
    ['GET', '/v1/players/p1/state?view=ALL', undefined, 'view'],
    ['POST', '/v1/items', '{"max_stack":"9223372036854775808"}', 'max_stack'],
    ['POST', '/events', '{"epoch_timestamp":"yesterday"}', 'epoch_timestamp'],
    ['POST', '/events', '{"ack":"ACK_MAYBE"}', 'ack'],
    ['POST', '/v1/transactions', '{"operations":{"player_id":7}}', 'player_id'],
  ])('a value that does not fit its field is refused by the field: %s %s %s', async (method, path, body, field) => {
    const rest = await restCall(ingress.url + path, { method, body, token });
    expect(rest.status).toBe(400);
    const { message } = rest.body as { message: string };
    expect(rest.body).toEqual(status(3, 'MALFORMED_REQUEST', message));
    expect(message).toContain(field);
  });

  it('too large a request', async () => {
    const body = { display_name: 'a'.repeat(5_000_000) };
    const rest = await restCall(`${ingress.url}/v1/players`, { method: 'POST', body, token });
    expect([rest.status, rest.body]).toEqual([413, status(8, 'REQUEST_TOO_LARGE', 'the request has more than 4 MB')]);
  });

  it('a service that is away', async () => {
    const message = 'the service is not available now';
    const rest = await restCall(`${away.url}/v1/items`, { token: awayToken });
    expect([rest.status, rest.body]).toEqual([503, status(14, 'UPSTREAM_UNAVAILABLE', message, '1s')]);
    expect(rest.headers.get('retry-after')).toBe('1');
    const expected = { code: 14, message, reason: 'UPSTREAM_UNAVAILABLE', retryAfterSeconds: 1 };
    expect(await grpcAway.call(GET_ITEM, { token: awayToken })).toMatchObject(expected);
    expect(await grpcWebCall(away.url + GET_ITEM, { token: awayToken })).toMatchObject(expected);
  });

  it('a service that does not answer in time', async () => {
    const message = 'the service did not answer in time';
    const rest = await restCall(`${ingress.url}/v1/items/i`, { token });
    expect([rest.status, rest.body]).toEqual([504, status(4, 'UPSTREAM_TIMEOUT', message)]);
    const expected = { code: 4, message, reason: 'UPSTREAM_TIMEOUT' };
    expect(await grpc.call(GET_ITEM, { token })).toMatchObject(expected);
    expect(await grpcWebCall(ingress.url + GET_ITEM, { token })).toMatchObject(expected);
  });
});
