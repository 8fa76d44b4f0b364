import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRpcs } from '../../tools/generate/envoy/rpc.ts';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const SAFE = '/realmkeep.player_state.v1.ItemCatalogService/GetItem';
const UNSAFE = '/realmkeep.player_state.v1.ItemCatalogService/CreateItem';

describe('the ingress sends a call again only where the contract says that is safe', () => {
  let first: Upstream;
  let second: Upstream;
  let ingress: Ingress;
  let grpc: GrpcCaller;
  let token: string;

  beforeAll(async () => {
    [first, second] = await Promise.all([startUpstream(), startUpstream()]);
    ingress = await startIngress({
      upstreams: [first, second].map(({ port }) => ({ host: '127.0.0.1', port })),
      // The contract as if one of its writes were not idempotent.
      rpcs: readRpcs(descriptorSetPath).map((rpc) => (rpc.path === UNSAFE ? { ...rpc, safeToRetry: false } : rpc)),
    });
    grpc = createGrpcCaller(ingress.port);
    token = await ingress.tokens.token({ role: 'admin', subject: 'operator' });
  });

  beforeEach(() => {
    first.reset();
    second.reset();
  });

  afterAll(async () => {
    grpc.close();
    await ingress.stop();
    first.stop();
    second.stop();
  });

  const unavailable = () => Object.assign(new Error('not now'), { code: 14, details: 'not now' });
  const aborted = () => Object.assign(new Error('read again'), { code: 10, details: 'read again' });

  it('a safe call that one process can not serve is served by the other', async () => {
    first.answer(SAFE, unavailable);
    for (let call = 0; call < 10; call++) expect((await grpc.call(SAFE, { token })).code).toBe(0);
    expect(second.arrivals).toHaveLength(10);
  });

  it('gives up after two more tries', async () => {
    for (const upstream of [first, second]) upstream.answer(SAFE, unavailable);
    expect(await grpc.call(SAFE, { token })).toMatchObject({ code: 14, message: 'not now' });
    expect(first.arrivals.length + second.arrivals.length).toBe(3);
  });

  it('an unsafe call arrives once', async () => {
    for (const upstream of [first, second]) upstream.answer(UNSAFE, unavailable);
    expect((await grpc.call(UNSAFE, { token })).code).toBe(14);
    expect(first.arrivals.length + second.arrivals.length).toBe(1);
  });

  it('an answer that is not UNAVAILABLE is final', async () => {
    for (const upstream of [first, second]) upstream.answer(SAFE, aborted);
    expect((await grpc.call(SAFE, { token })).code).toBe(10);
    expect(first.arrivals.length + second.arrivals.length).toBe(1);
  });
});
