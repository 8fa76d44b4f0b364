import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../../tools/chart/render.ts';
import { type Manifest, manifestsOf } from '../../tools/chart/reviewed.ts';
import { podOf, root } from './manifests.ts';

const SERVICES = ['player-state', 'item-location', 'area-stats'];
const CALLERS = 'global.auth.callers';

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('keys that the values name', () => {
  async function render(set: string[]): Promise<Manifest[]> {
    const { status, output } = await renderChart({ root, stores: 'external', set });
    if (status !== 0) throw new Error(output);
    return manifestsOf(output);
  }
  /** The pod of a Deployment, with the fields that say what it is given. */
  function podNamed(manifests: Manifest[], name: string) {
    const isIt = ({ kind, metadata }: Manifest) => kind === 'Deployment' && metadata.name === `realmkeep-${name}`;
    type Given = { volumeMounts: object[]; env?: object[]; args?: string[] };
    const { spec } = podOf(manifests.find(isIt)!)!;
    return spec as unknown as { volumes: object[]; containers: [Given]; initContainers?: [Given] };
  }
  const secretsOf = (manifests: Manifest[]) =>
    manifests.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name);
  const mounted = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });

  it.each([
    ['a Secret', 'secret', { secret: { secretName: 'own', items: [{ key: 'public.pem', path: 'keys' }] } }],
    ['a ConfigMap', 'configMap', { configMap: { name: 'own', items: [{ key: 'public.pem', path: 'keys' }] } }],
  ])("callers' keys of %s reach the services and Envoy, and the chart makes none", async (_, source, volume) => {
    const named = [
      `${CALLERS}.source=${source}`,
      `${CALLERS}.${source}.name=own`,
      `${CALLERS}.${source}.key=public.pem`,
    ];
    const manifests = await render(named);
    for (const name of SERVICES) {
      const { volumes, containers } = podNamed(manifests, name);
      expect(volumes, name).toContainEqual({ name: 'callers', ...volume });
      expect(containers[0].volumeMounts, name).toContainEqual(mounted('callers', '/etc/realmkeep/callers'));
      const settings = manifests.find(({ metadata }) => metadata.name === `realmkeep-${name}-settings`);
      expect(settings?.data?.JWKS_FILE, name).toBe('/etc/realmkeep/callers/keys');
    }
    const { volumes, containers, initContainers } = podNamed(manifests, 'envoy');
    expect(volumes).toContainEqual({ name: 'callers', ...volume });
    const [keys] = initContainers!;
    expect(keys.volumeMounts).toContainEqual(mounted('callers', '/etc/realmkeep/callers'));
    expect(keys.args).toContain('/etc/realmkeep/callers/keys');
    expect(containers[0].volumeMounts).toContainEqual(mounted('keys', '/etc/envoy-keys'));
    expect(secretsOf(manifests)).not.toContain('realmkeep-callers-keys');
    // Nor what would sign tokens with it.
    expect(manifests.filter(({ kind }) => kind === 'CronJob')).toEqual([]);
  });

  it.each(['secret', 'configMap'])('a missing name of the %s fails and is named', async (source) => {
    const { status, output } = await renderChart({ root, stores: 'external', set: [`${CALLERS}.source=${source}`] });
    expect(status).not.toBe(0);
    expect(output).toContain(`${CALLERS}.${source}.name is missing`);
  });

  it("the services' own keys come from the Secret that is named, and the chart makes none", async () => {
    const manifests = await render(['global.auth.internal.secretName=own']);
    for (const name of SERVICES) {
      const { volumes, containers } = podNamed(manifests, name);
      const secret = { secretName: 'own', items: [{ key: 'internal-key', path: 'key' }] };
      expect(volumes, name).toContainEqual({ name: 'internal', secret });
      expect(containers[0].volumeMounts, name).toContainEqual(mounted('internal', '/etc/realmkeep/internal'));
      const secretKeyRef = { name: 'own', key: 'page-token-key' };
      expect(containers[0].env, name).toContainEqual({ name: 'PAGE_TOKEN_KEY', valueFrom: { secretKeyRef } });
    }
    expect(secretsOf(manifests)).not.toContain('realmkeep-internal-keys');
  });
});
