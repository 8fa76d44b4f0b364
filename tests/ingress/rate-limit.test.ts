import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const GET_ITEM = '/realmkeep.player_state.v1.ItemCatalogService/GetItem';
const GET_AREA_STATS = '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats';

// So little a second that nothing comes back while a test runs.
const RATE_LIMITS = {
  player: { perSecond: 1, burst: 50 },
  server: { perSecond: 1, burst: 1_000 },
  admin: { perSecond: 1, burst: 50 },
  anyone: { perSecond: 1, burst: 100 },
};

describe('the ingress limits the rate of each caller', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let grpc: GrpcCaller;

  beforeAll(async () => {
    upstream = await startUpstream();
    ingress = await startIngress({
      upstreams: [{ host: '127.0.0.1', port: upstream.port }],
      rateLimits: RATE_LIMITS,
    });
    grpc = createGrpcCaller(ingress.port);
  });

  afterAll(async () => {
    grpc.close();
    await ingress.stop();
    upstream.stop();
  });

  const times = <T>(count: number, call: () => Promise<T>) => Promise.all(Array.from({ length: count }, call));

  /** Takes all that a caller has left, and is refused at least once. */
  async function exhaust(path: string, burst: number, token?: string) {
    const answers = await times(burst * 2, () => grpc.call(path, token ? { token } : {}));
    const refused = answers.filter(({ code }) => code !== 0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(burst);
    return refused;
  }

  it('refuses a player past its burst in the form of each protocol, and nobody else', async () => {
    const token = await ingress.tokens.token({ role: 'player', subject: 'busy' });
    const other = await ingress.tokens.token({ role: 'player', subject: 'calm' });
    const refused = await exhaust(GET_ITEM, RATE_LIMITS.player.burst, token);
    const message = 'this caller makes too many requests';
    const expected = { code: 8, message, reason: 'RATE_LIMITED', domain: 'ingress.realmkeep', retryAfterSeconds: 1 };
    expect(refused[0]).toMatchObject(expected);

    const rest = await times(20, () => restCall(`${ingress.url}/v1/items/a`, { token }));
    const refusedRest = rest.find(({ status }) => status !== 200);
    expect(refusedRest?.status).toBe(429);
    expect(refusedRest?.headers.get('retry-after')).toBe('1');
    expect(refusedRest?.body).toMatchObject({
      code: 8,
      message,
      details: [{ reason: 'RATE_LIMITED' }, { retry_delay: '1s' }],
    });

    const url = ingress.url + GET_ITEM;
    const web = await times(20, () => grpcWebCall(url, { token }));
    expect(web.find(({ code }) => code !== 0)).toMatchObject(expected);

    expect((await grpc.call(GET_ITEM, { token: other })).code).toBe(0);
  });

  it('counts callers without a token by their address, and does not count a token against it', async () => {
    const refused = await exhaust(GET_AREA_STATS, RATE_LIMITS.anyone.burst);
    expect(refused[0]).toMatchObject({ code: 8, reason: 'RATE_LIMITED' });
    const token = await ingress.tokens.token({ role: 'player', subject: 'at-the-same-address' });
    expect((await grpc.call(GET_AREA_STATS, { token })).code).toBe(0);
  });

  it('gives servers a bucket of their own, for they speak for many players', async () => {
    const token = await ingress.tokens.token({ role: 'server', subject: 'server-1' });
    const answers = await times(900, () => grpc.call(GET_ITEM, { token }));
    expect(answers.filter(({ code }) => code !== 0)).toEqual([]);
  });
});
