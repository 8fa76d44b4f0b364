import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';
import { createEnvoy, envoyBinary } from '@realmkeep/testkit/parts/envoy';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { createTestTokens, type TestTokens } from '@realmkeep/testkit/tokens';
import { renderBootstrap } from '../../tools/generate/envoy/bootstrap.ts';
import { type Address, renderClusters } from '../../tools/generate/envoy/clusters.ts';
import type { RateLimits } from '../../tools/generate/envoy/limits.ts';
import { type Rpc, readRpcs } from '../../tools/generate/envoy/rpc.ts';

/** A real Envoy with the generated bootstrap. */
export type Ingress = {
  url: string;
  port: number;
  adminUrl: string;
  tokens: TestTokens;
  /** What Envoy has printed by now, its access log among it. It prints every ten seconds. */
  printed(): string;
  stop(): Promise<void>;
};

export type IngressOptions = {
  /** Where every service is; default nowhere. */
  upstreams?: Address[];
  /** The contract it serves; default the real one. */
  rpcs?: Rpc[];
  origins?: string;
  rateLimits?: RateLimits;
};

/** Starts it in a folder of its own, and waits until it has found its upstreams healthy. */
export async function startIngress({ upstreams = [], rpcs, origins, rateLimits }: IngressOptions): Promise<Ingress> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-ingress-'));
  const [port, adminPort, tokens] = [await freePort(), await freePort(), await createTestTokens()];
  const bootstrap = renderBootstrap(rpcs ?? readRpcs(descriptorSetPath), {
    listen: { host: '127.0.0.1', port },
    admin: { host: '127.0.0.1', port: adminPort },
    ...(origins && { origins }),
    ...(rateLimits && { rateLimits }),
  });
  writeFileSync(join(folder, 'bootstrap.yaml'), bootstrap);
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify(tokens.callers.jwks));
  writeFileSync(
    join(folder, 'cds.yaml'),
    renderClusters({ 'player-state': upstreams, 'item-location': upstreams, 'area-stats': upstreams }),
  );
  copyFileSync(descriptorSetPath, join(folder, 'descriptor.binpb'));
  const envoy = createEnvoy({
    binary: await envoyBinary(() => undefined),
    folder,
    logs: folder,
    port,
  });
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await envoy.start();
  await until(async () => (await healthyHosts(adminUrl)) === upstreams.length * 6, {
    what: 'the ingress to find its upstreams healthy',
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    adminUrl,
    tokens,
    printed: () => readFileSync(join(folder, 'envoy.log'), 'utf8'),
    stop: async () => {
      await envoy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function healthyHosts(adminUrl: string): Promise<number> {
  const clusters = await (await fetch(`${adminUrl}/clusters`)).text();
  return clusters.match(/::health_flags::healthy/g)?.length ?? 0;
}
