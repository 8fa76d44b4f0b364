import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../../tools/chart/render.ts';
import { type Manifest, manifestsOf } from '../../tools/chart/reviewed.ts';
import { placeOf, podOf, root } from './manifests.ts';

const COLLECTOR = 'global.telemetry.otlpEndpoint=http://collector.example:4318';

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('telemetry', () => {
  /** The settings that the pods of each deployable are started with, and their annotations. */
  async function startedWith(set: string[]) {
    const { status, output } = await renderChart({ root, stores: 'external', set });
    if (status !== 0) throw new Error(output);
    const manifests = manifestsOf(output);
    const find = (place: string) => manifests.find((manifest) => placeOf(manifest) === place)!;
    return ['player-state', 'item-location', 'area-stats', 'portal'].map((name) => {
      const deployment = find(`Deployment/realmkeep-${name}`);
      const maps = podOf(deployment)!.spec.containers[0]!.envFrom!.flatMap(({ configMapRef }) => configMapRef ?? []);
      const settings: Record<string, string> = {};
      for (const map of maps) Object.assign(settings, find(`ConfigMap/${map.name}`).data);
      return { name, settings, digest: digestOf(deployment) };
    });
  }
  function digestOf({ spec }: Manifest): string | undefined {
    const { metadata } = (spec as { template: { metadata: Manifest['metadata'] } }).template;
    return metadata.annotations?.['realmkeep/settings'];
  }

  it('goes where the values say, from every deployable, whose pods a change makes anew', async () => {
    const before = await startedWith([COLLECTOR]);
    const set = [COLLECTOR, 'global.telemetry.otlpMetrics=true', 'global.telemetry.traceSampleRatio=1'];
    for (const [index, { name, settings, digest }] of (await startedWith(set)).entries()) {
      expect(settings, name).toMatchObject({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example:4318',
        OTLP_METRICS: 'true',
        TRACE_SAMPLE_RATIO: '1',
      });
      const { settings: defaults, digest: earlier } = before[index]!;
      expect(defaults, name).toMatchObject({ OTLP_METRICS: 'false', TRACE_SAMPLE_RATIO: '0.01' });
      expect(digest, name).not.toBe(earlier);
    }
  });

  it('goes nowhere without an endpoint', async () => {
    for (const { name, settings } of await startedWith(['global.telemetry.otlpMetrics=true'])) {
      expect(Object.keys(settings), name).not.toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
    }
  });
});
