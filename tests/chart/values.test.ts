import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { podOf, root } from './manifests.ts';

const CHART = join(root, 'charts/realmkeep');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the values of the chart', () => {
  it.each(['values.yaml', 'charts/service/values.yaml'])('%s tells of each value what it is', (file) => {
    const lines = read(`charts/realmkeep/${file}`).split('\n');
    const told = (index: number) => lines[index - 1]?.trimStart().startsWith('#');
    const depth = (line: string) => line.search(/\S/);
    const untold = lines.filter((line, index) => {
      const key = /^ *([A-Za-z][\w-]*):/.exec(line)?.[1];
      // What every `resources` holds.
      if (key === undefined || ['requests', 'limits', 'cpu', 'memory'].includes(key)) return false;
      const parent = lines
        .slice(0, index)
        .findLastIndex((above) => /^ *[A-Za-z]/.test(above) && depth(above) < depth(line));
      return !told(index) && !(parent >= 0 && told(parent));
    });
    expect(untold).toEqual([]);
  });

  it.each(['player-state', 'item-location', 'area-stats'])(
    'may set each setting of %s that the chart does not',
    (name) => {
      type Schema = { properties: Record<string, { properties: { settings: { properties: object } } }> };
      const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
      const allowed = Object.keys(schema.properties[name]!.properties.settings.properties);
      const there = [...settingsOf('packages/kit/src/app/config.ts'), ...settingsOf(`services/${name}/src/config.ts`)];
      expect(there.filter((setting) => !CHARTS_OWN.has(setting)).toSorted()).toEqual(allowed.toSorted());
    },
  );
});

/** The settings that the chart makes of other values, and those of Secrets. */
const CHARTS_OWN = new Set([
  ...['HOST', 'GRPC_PORT', 'METRICS_PORT', 'DRAIN_DELAY_MS', 'DRAIN_TIMEOUT_MS'],
  ...['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTLP_METRICS', 'TRACE_SAMPLE_RATIO'],
  ...['JWKS_FILE', 'JWKS_URI', 'INTERNAL_JWKS_FILE', 'INTERNAL_KEY_FILE', 'PAGE_TOKEN_KEY'],
  ...['POSTGRES_URLS', 'POSTGRES_HEADLESS', 'REDIS_NODES', 'REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'],
  ...['PLAYER_STATE_ADDRESS', 'ITEM_LOCATION_ADDRESS', 'AREA_STATS_ADDRESS'],
]);

function settingsOf(file: string): string[] {
  return [...read(file).matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name!);
}

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('helm', () => {
  const render = (...set: string[]) => renderChart({ root, stores: 'external', set });

  it.each([
    ['global.imag.tag=1', 'imag'],
    ['player-state.replcas=3', 'replcas'],
    ['player-state.settings.INVENTORY_LIMT=3', 'INVENTORY_LIMT'],
    ['envoy.cors.origin=x', 'origin'],
    ['portal.resources.limit.cpu=1', 'limit'],
    ['stores.kindd=dev', 'kindd'],
    ['global.auth.callers.source=keycloak', '/global/auth/callers/source'],
    ['area-stats.port=0', '/port'],
  ])('a misspelt or wrong value fails and is named: %s', async (value, name) => {
    const { status, output } = await render(value);
    expect(status).not.toBe(0);
    expect(output).toContain(name);
  });

  it('refuses Envoys that would send a service more than it takes', async () => {
    const { status, output } = await render('envoy.autoscaling.maxReplicas=20');
    expect(status).not.toBe(0);
    expect(output).toContain('player-state.settings.MAX_IN_WORK is 2400');
  });

  it('counts the Envoy that a rollout adds among those that send', async () => {
    const atMost = (envoys: number) => render(`envoy.autoscaling.maxReplicas=${envoys}`);
    expect((await atMost(6)).output).toContain('7 Envoys, one of them of a rollout, may send it 2800 calls');
    expect((await atMost(5)).status).toBe(0);
  });

  it.each([
    ['stores.cnpg.instances=1', '/stores/cnpg/instances'],
    ['stores.cnpg.instances=2,stores.cnpg.synchronous=2', 'stores.cnpg.synchronous is 2'],
    ['stores.cnpg.synchronous=3', 'stores.cnpg.synchronous is 3'],
  ])('refuses followers that a commit would wait for in vain: %s', async (values, name) => {
    const { status, output } = await renderChart({ root, stores: 'cnpg', set: [values] });
    expect(status).not.toBe(0);
    expect(output).toContain(name);
  });

  it.each([
    ['without TLS', ['certManager.enabled=true'], 'set envoy.tls.enabled to true'],
    ['without names', ['enabled=true', 'certManager.enabled=true', 'certManager.issuerName=ca'], 'dnsNames is empty'],
  ])('refuses a certificate of cert-manager %s, and says what to do', async (_, tls, mend) => {
    const { status, output } = await render(...tls.map((value) => `envoy.tls.${value}`));
    expect(status).not.toBe(0);
    expect(output).toContain(mend);
  });

  const remote = (uri: string) => ['global.auth.callers.source=remote', `global.auth.callers.remote.uri=${uri}`];

  it.each([
    ['ports of the addresses', [], [8443], [4318]],
    [
      'ports that the values name',
      ['global.networkPolicy.keysPorts={9443,9444}', 'global.telemetry.otlpPorts={14318}'],
      [9443, 9444],
      [14318],
    ],
  ])('issuer and collector are reached by the %s', async (_, set, keys, otlp) => {
    const addresses = [
      ...remote('https://issuer.example:8443/keys'),
      'global.telemetry.otlpEndpoint=http://collector.example:4318',
    ];
    const manifests = manifestsOf((await render(...addresses, ...set)).output);
    const opened = (name: string) => {
      const policy = manifests.find((each) => each.kind === 'NetworkPolicy' && each.metadata.name === name);
      const rules = policy?.spec?.egress as { to?: object; ports: { port: number }[] }[];
      // The rules without peers.
      return rules.filter(({ to }) => !to).map(({ ports }) => ports.map(({ port }) => port));
    };
    expect(opened('realmkeep-envoy')).toEqual([keys]);
    expect(opened('realmkeep-area-stats')).toEqual([otlp, keys]);
  });

  it.each([
    ['a Secret', 'secretName', { secret: { secretName: 'own', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }],
    ['a ConfigMap', 'configMapName', { configMap: { name: 'own', items: [{ key: 'ca.crt', path: 'ca.crt' }] } }],
  ])("has Envoy and the services trust the issuer's authority of %s", async (_, field, source) => {
    const uri = 'https://issuer.example/keys';
    const { output } = await render(...remote(uri), `global.auth.callers.remote.ca.${field}=own`);
    const manifests = manifestsOf(output);
    const mounting = { name: 'keys-ca', mountPath: '/etc/realmkeep/keys-ca', readOnly: true };
    for (const name of ['envoy', 'player-state', 'item-location', 'area-stats']) {
      const deployment = manifests.find(
        ({ kind, metadata }) => kind === 'Deployment' && metadata.name === `realmkeep-${name}`,
      )!;
      const { volumes, containers } = podOf(deployment)!.spec as { volumes?: object[]; containers: object[] };
      expect(volumes, name).toContainEqual({ name: 'keys-ca', ...source });
      expect(containers[0], name).toMatchObject({ volumeMounts: expect.arrayContaining([mounting]) });
      if (name === 'envoy') continue;
      const variable = { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/realmkeep/keys-ca/ca.crt' };
      expect(containers[0], name).toMatchObject({ env: expect.arrayContaining([variable]) });
    }
    expect(output).toContain('filename: /etc/realmkeep/keys-ca/ca.crt');
    expect((await render(...remote(uri))).output).toContain('filename: /etc/ssl/certs/ca-certificates.crt');
  });

  it("refuses two authorities of the issuer's", async () => {
    const ca = 'global.auth.callers.remote.ca';
    const { status, output } = await render(
      ...remote('https://a.example/'),
      `${ca}.secretName=a`,
      `${ca}.configMapName=b`,
    );
    expect(status).not.toBe(0);
    expect(output).toContain(`${ca} has both`);
  });

  it("refuses authorities of extraEnv beside the issuer's, of which one alone would count", async () => {
    const own = ['area-stats.extraEnv[0].name=NODE_EXTRA_CA_CERTS', 'area-stats.extraEnv[0].value=/own/ca.crt'];
    const issuer = remote('https://issuer.example/keys');
    const { status, output } = await render(...own, ...issuer, 'global.auth.callers.remote.ca.secretName=issuer');
    expect(status).not.toBe(0);
    expect(output).toContain('area-stats.extraEnv has NODE_EXTRA_CA_CERTS');
    expect((await render(...own, ...issuer)).status).toBe(0);
  });

  it('makes nothing that a value turns off', async () => {
    const off = [
      'global.networkPolicy.enabled=false',
      'player-state.autoscaling.enabled=false',
      'player-state.replicas=1',
    ];
    const manifests = manifestsOf((await render(...off)).output);
    const places = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(places.filter((place) => place.startsWith('NetworkPolicy/'))).toEqual([]);
    expect(places).not.toContain('HorizontalPodAutoscaler/realmkeep-player-state');
    expect(places).not.toContain('PodDisruptionBudget/realmkeep-player-state');
    const deployment = manifests.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith('player-state'),
    );
    expect(deployment?.spec).toMatchObject({ replicas: 1 });
  });

  it('whole numbers of settings stay whole numbers', async () => {
    const { output } = await render('player-state.settings.CACHE_L1_MAX_BYTES=256000000');
    expect(output).toContain('CACHE_L1_MAX_BYTES: "256000000"');
  });
});
