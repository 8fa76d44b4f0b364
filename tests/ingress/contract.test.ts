import { getOption } from '@bufbuild/protobuf';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { http } from '@realmkeep/proto/google/api/annotations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOpen, isRouted, readRpcs } from '../../tools/generate/envoy/rpc.ts';
import { createGrpcCaller, type GrpcCaller } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web-call.ts';
import { type Ingress, startIngress } from './ingress.ts';
import { restCall } from './rest-call.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const rpcs = readRpcs(descriptorSetPath);
const routed = rpcs.filter(isRouted);
const internal = rpcs.filter((rpc) => !isRouted(rpc));

describe('every RPC of the contract at the ingress', () => {
  let upstream: Upstream;
  let ingress: Ingress;
  let grpc: GrpcCaller;
  let token: string;

  beforeAll(async () => {
    upstream = await startUpstream();
    ingress = await startIngress({ upstreams: [{ host: '127.0.0.1', port: upstream.port }] });
    grpc = createGrpcCaller(ingress.port);
    token = await ingress.tokens.token({ role: 'admin', subject: 'operator' });
  });

  afterAll(async () => {
    grpc.close();
    await ingress.stop();
    upstream.stop();
  });

  it.each(routed.filter((rpc) => !rpc.streaming))('$path is reached over REST, gRPC and gRPC-Web', async (rpc) => {
    upstream.reset();
    const rule = getOption(rpc.method, http);
    if (!rule.pattern.case || rule.pattern.case === 'custom') throw new Error(`${rpc.path} has no REST mapping`);
    const url = ingress.url + rule.pattern.value.replaceAll(/\{[^}]+\}/g, 'some-id');
    const method = rule.pattern.case.toUpperCase();
    const rest = await restCall(url, { method, token, ...(rule.body && { body: {} }) });
    expect(rest.status).toBe(200);
    expect((await grpc.call(rpc.path, { token })).code).toBe(0);
    expect((await grpcWebCall(ingress.url + rpc.path, { token })).code).toBe(0);
    expect(upstream.arrivals.map(({ path }) => path)).toEqual(Array(3).fill(rpc.path));
  });

  it.each(routed)('$path needs a token unless the contract says ANYONE', async (rpc) => {
    const expected = isOpen(rpc) ? 0 : 16;
    expect((await grpc.call(rpc.path)).code).toBe(expected);
    expect((await grpcWebCall(ingress.url + rpc.path)).code).toBe(expected);
  });

  it.each(internal)('$path is for services only and has no route', async (rpc) => {
    expect(await grpc.call(rpc.path, { token })).toMatchObject({ code: 12, reason: 'ROUTE_NOT_FOUND' });
    expect((await grpcWebCall(ingress.url + rpc.path, { token })).code).toBe(12);
  });

  it.each(['/grpc.health.v1.Health/Check', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'])(
    '%s is not for the world',
    async (path) => {
      expect((await grpc.call(path, { token })).code).toBe(12);
    },
  );
});
