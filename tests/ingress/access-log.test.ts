import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const GET_AREA_STATS = '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats';

describe('the access log of the ingress', () => {
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

  const fail = (fault: object) => upstream.answer(GET_AREA_STATS, () => Object.assign(new Error('no'), fault));
  const inEachProtocol = async () => [
    (await grpc.call(GET_AREA_STATS)).code,
    (await grpcWebCall(`${ingress.url}${GET_AREA_STATS}`)).code,
    (await restCall(`${ingress.url}/stats?area_code=111`)).status,
  ];
  const lines = () =>
    ingress
      .printed()
      .split('\n')
      .filter((line) => line.startsWith('{'));

  it('has a line for each call that failed on our side, in each protocol, and none for the others', async () => {
    expect(await inEachProtocol()).toEqual([0, 0, 200]);
    fail({ code: 5, details: 'there is none' });
    expect(await inEachProtocol()).toEqual([5, 5, 404]);
    fail({ code: 13, details: 'broken' });
    expect(await inEachProtocol()).toEqual([13, 13, 500]);
    const told = () => lines().map((line) => JSON.parse(line) as { status: number; grpc_status: string });
    // The line of the last call: those before it are there too.
    await expect.poll(() => told().some(({ status }) => status === 500), { timeout: 25_000, interval: 100 }).toBe(true);
    expect(told().map(({ status }) => status)).toEqual([200, 200, 500]);
    expect(
      told()
        .slice(0, 2)
        .map((line) => line.grpc_status),
    ).toEqual(['Internal', 'Internal']);
  });
});
