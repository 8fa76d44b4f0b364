import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { onPath } from '@realmkeep/testkit/parts/on-path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderChart } from '../../tools/chart/render.ts';
import { manifestsOf } from '../../tools/chart/reviewed.ts';
import { root } from './manifests.ts';

type Alert = { alert: string; expr: string; labels: { severity: string }; annotations: { description: string } };
type Dashboard = { uid: string; panels: { title: string; targets: { expr: string }[] }[] };

const FILES = join(root, 'charts/realmkeep/files');
const alertFiles = globSync('alerts/*.yaml', { cwd: FILES });
const dashboardFiles = globSync('dashboards/*.json', { cwd: FILES });
const textOf = (file: string) => readFileSync(join(FILES, file), 'utf8');

/** The counters that are shown at 0 before anything is counted, as Prometheus names them. */
const countedFromZero = new Set(
  globSync('services/*/src/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/counterFromZero\(\s*meter,\s*'([a-z_.]+)'/g)].map(
      ([, name]) => `${name!.replaceAll('.', '_')}_total`,
    ),
  ),
);

/** The names under which Prometheus sees what the services measure. */
const measured = new Set([
  ...countedFromZero,
  ...globSync(['packages/kit/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root }).flatMap((file) => {
    const code = readFileSync(join(root, file), 'utf8');
    const counters = [
      ...code.matchAll(/createCounter\(\s*'([a-z_.]+)'/g),
      ...code.matchAll(/createObservableCounter\(\s*'([a-z_.]+)'/g),
    ];
    const gauges = [...code.matchAll(/['`]((?:[a-z_]+|\$\{[a-z]+\})(?:\.[a-z_]+)+)['`]/g)];
    return [...counters.map(([, name]) => `${name}_total`), ...gauges.map(([, name]) => name!)].map((name) =>
      name.replaceAll('.', '_'),
    );
  }),
]);

// Made of names of fields: cache.l1_hits and the like; and those of every service that has watches.
const CACHE_COUNTS =
  /^cache_(l1_hits|l2_hits|misses|fetches|coalesced|stale|evictions|invalidations|emptied|refreshes|l2_errors|l2_skipped)_total$/;
const WATCHES = /^(player_state|item_location|area_stats)_watch_(open|keys)$/;
const HISTOGRAM = /^rpc_server_call_duration_(count|sum|bucket)$/;
/** What Envoy 1.40 and Prometheus itself show. */
const OTHERS = new Set([
  'up',
  'envoy_http_downstream_rq_xx',
  'envoy_http_downstream_rq_total',
  'envoy_http_downstream_rq_active',
  'envoy_http_downstream_cx_active',
  'envoy_cluster_membership_healthy',
  'envoy_cluster_upstream_rq_pending_active',
]);

function unknownMetrics(expr: string): string[] {
  const names = [...expr.matchAll(/([a-z][a-z0-9_]*)\{/g)].map(([, name]) => name!);
  expect(names).not.toEqual([]);
  return names.filter(
    (name) =>
      ![CACHE_COUNTS, WATCHES, HISTOGRAM].some((pattern) => pattern.test(name)) &&
      !OTHERS.has(name) &&
      !measured.has(name),
  );
}

describe('the alerts', () => {
  it.each(alertFiles)('%s is one alert, on what is measured, with a runbook', (file) => {
    const { alert, expr, labels, annotations } = parse(textOf(file)) as Alert;
    expect(alert).toMatch(/^Realmkeep[A-Z]/);
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.description).not.toBe('');
    expect(unknownMetrics(expr)).toEqual([]);
    const runbook = readFileSync(join(root, 'docs/runbooks', `${basename(file, '.yaml')}.md`), 'utf8');
    expect(runbook.split('\n')[0]).toBe(`# ${alert}`);
  });

  it('that look for an increase look at what is counted from zero, so that the first count is seen', () => {
    const increases = alertFiles.flatMap((file) => [...textOf(file).matchAll(/increase\(([a-z_]+)/g)]);
    const names = increases.map(([, name]) => name!);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !countedFromZero.has(name))).toEqual([]);
  });
});

describe('the dashboards', () => {
  it.each(dashboardFiles)('%s shows what is measured', (file) => {
    const { uid, panels } = JSON.parse(textOf(file)) as Dashboard;
    expect(uid).toBe(`realmkeep-${basename(file, '.json')}`);
    for (const { title, targets } of panels) {
      for (const { expr } of targets) expect(unknownMetrics(expr), title).toEqual([]);
    }
  });
});

// Helm is no part of the checkout; in CI it must be there.
describe.skipIf(!onPath('helm') && process.env.CI !== 'true')('monitoring from the chart', () => {
  it('is there when the values ask for it, and not otherwise', async () => {
    const set = ['serviceMonitor', 'alerts', 'dashboards'].map((what) => `monitoring.${what}.enabled=true`);
    const [without, having] = await Promise.all([
      renderChart({ root, stores: 'external' }),
      renderChart({ root, stores: 'external', set }),
    ]);
    const kinds = (rendered: string) => manifestsOf(rendered).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const before = new Set(kinds(without.output));
    const dashboards = dashboardFiles.map((file) => `ConfigMap/realmkeep-dashboard-${basename(file, '.json')}`);
    expect(
      kinds(having.output)
        .filter((place) => !before.has(place))
        .toSorted(),
    ).toEqual([...dashboards, 'PrometheusRule/realmkeep', 'ServiceMonitor/realmkeep'].toSorted());
  });

  it('the alerts are about the namespace of the release, and link to their runbooks', async () => {
    const set = ['monitoring.alerts.enabled=true', 'monitoring.alerts.runbooks=https://runbooks.example/'];
    const { output } = await renderChart({ root, stores: 'external', set });
    const rules = manifestsOf(output).find(({ kind }) => kind === 'PrometheusRule')?.spec as {
      groups: { rules: { expr: string; annotations: { runbook_url: string } }[] }[];
    };
    const links = rules.groups[0]!.rules.map(({ annotations }) => annotations.runbook_url);
    expect(links).toEqual(
      alertFiles.toSorted().map((file) => `https://runbooks.example/${basename(file, '.yaml')}.md`),
    );
    for (const { expr } of rules.groups[0]!.rules) expect(expr).toContain('namespace="realmkeep"');
  });
});
