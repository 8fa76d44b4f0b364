import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createCertificate } from '@realmkeep/testkit/certificate';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { createTestTokens, type TestTokens } from '@realmkeep/testkit/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUpstream, type Upstream } from '../ingress/upstream.ts';
import { podOf, reviewedManifests } from './manifests.ts';
import { type RunningEnvoy, startRenderedEnvoy } from './running-envoy.ts';

/** What the cluster asks a pod of Envoy to learn whether it may be sent new connections. */
function readiness(): string {
  const isEnvoy = ({ kind, metadata }: { kind: string; metadata: { name: string } }) =>
    kind === 'Deployment' && metadata.name === 'realmkeep-envoy';
  const probe = podOf(reviewedManifests('dev').find(isEnvoy)!)!.spec.containers[0]!.readinessProbe;
  return (probe as { httpGet: { path: string } }).httpGet.path;
}

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('Envoy with the configuration of the chart', () => {
  let tokens: TestTokens;
  let provider: Server;
  let upstream: Upstream;
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    tokens = await createTestTokens();
    const { certificate, privateKey } = await createCertificate('localhost');
    const answer = JSON.stringify(tokens.callers.jwks);
    provider = createServer({ cert: certificate, key: privateKey }, (_, response) => response.end(answer));
    provider.listen(0, '127.0.0.1');
    await once(provider, 'listening');
    upstream = await startUpstream();
    const uri = `https://localhost:${(provider.address() as AddressInfo).port}/jwks.json`;
    envoy = await startRenderedEnvoy({ upstream: upstream.port, keys: { uri, authority: certificate } });
  });

  afterAll(async () => {
    await envoy?.stop();
    upstream?.stop();
    provider?.closeAllConnections();
    provider?.close();
  });

  /** A call as of the world: by TLS, with the certificate checked. */
  async function call(
    path: string,
    token?: string,
    ca = envoy.certificate,
  ): Promise<{ status: number; connection: string | undefined }> {
    const headers = { ...(token && { authorization: `Bearer ${token}` }) };
    const asked = request(`${envoy.url}${path}`, { ca, headers, agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode!, connection: response.headers.connection };
  }
  /** The same over a connection of HTTP/2 that is there. */
  async function statusOf(session: ClientHttp2Session): Promise<number> {
    const stream = session.request({ ':path': '/stats?area_code=111' });
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
    stream.resume();
    await once(stream, 'end');
    return headers[':status']!;
  }
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${envoy.statusUrl}${path}`, { method, headers: { connection: 'close' } });
    return { status: response.status, text: await response.text() };
  };

  it('serves TLS, and takes the tokens of a provider of keys with a private authority, and no others', async () => {
    const token = await tokens.token({ role: 'server', subject: 'test' });
    await expect.poll(async () => (await call('/v1/items?page_size=1', token)).status).toBe(200);
    expect((await call('/v1/items?page_size=1')).status).toBe(401);
    const { wrongKey } = await tokens.bad({ role: 'server', subject: 'test' });
    expect((await call('/v1/items?page_size=1', wrongKey)).status).toBe(401);
  });

  it('tells the cluster of its health and its metrics, and lets it do nothing else', async () => {
    expect((await ask(readiness())).status).toBe(200);
    expect((await ask('/metrics')).text).toContain('envoy_http_downstream_rq_xx{');
    for (const path of ['/', '/quitquitquit', '/healthcheck/fail', '/config_dump', '/stats/prometheus']) {
      expect((await ask(path)).status, path).toBe(404);
      expect((await ask(path, 'POST')).status, path).toBe(404);
    }
    expect((await ask('/metrics', 'POST')).status).toBe(404);
  });

  it('serves with a renewed certificate once its Secret has changed', async () => {
    const renewed = await envoy.renew();
    const status = async () => (await call('/stats?area_code=111', undefined, renewed)).status;
    await expect.poll(() => status().catch(String), { timeout: 20_000 }).toBe(200);
    envoy.certificate = renewed;
  });

  it('while it drains it is ready, answers new connections, and asks each caller to come again elsewhere', async () => {
    const before = connect(envoy.url, { ca: envoy.certificate });
    try {
      expect(await statusOf(before)).toBe(200);
      await fetch(`${envoy.adminUrl}/healthcheck/fail`, { method: 'POST', headers: { connection: 'close' } });
      expect((await ask(readiness())).status).toBe(200);
      expect(await call('/stats?area_code=111')).toEqual({ status: 200, connection: 'close' });
      const told = once(before, 'goaway');
      expect(await statusOf(before)).toBe(200);
      await told;
    } finally {
      before.destroy();
    }
  });
});
