import { describe, expect, it } from 'vitest';
import { STORES } from '../../tools/chart/render.ts';
import type { Manifest } from '../../tools/chart/reviewed.ts';
import { type Container, placeOf, podOf, reviewedManifests, selects } from './manifests.ts';

const SERVICES = ['player-state', 'item-location', 'area-stats', 'portal', 'envoy'];

describe.each(STORES)('what the chart renders for stores %s', (stores) => {
  const manifests = reviewedManifests(stores);
  const pods = manifests.flatMap((manifest) => {
    const pod = podOf(manifest);
    return pod ? [{ place: placeOf(manifest), kind: manifest.kind, ...pod }] : [];
  });
  const containers = pods.flatMap(({ place, spec }) =>
    [...(spec.initContainers ?? []), ...spec.containers].map((each) => ({ ...each, place: `${place}/${each.name}` })),
  );
  const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
  const configMap = (name: string) => ofKind('ConfigMap').find(({ metadata }) => metadata.name === name)?.data ?? {};

  /** The places of those that do not keep the rule. */
  function breaking<T extends { place: string }>(those: T[], keeps: (each: T) => unknown): string[] {
    return those.filter((each) => !keeps(each)).map(({ place }) => place);
  }

  it('has a Deployment of each service and of Envoy', () => {
    const names = ofKind('Deployment').map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(SERVICES.map((name) => `realmkeep-${name}`)));
  });

  it('each container that serves has a startup, a readiness and a liveness probe', () => {
    const serving = pods.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
    const theirs = serving.flatMap(({ place, spec }) => spec.containers.map((each) => ({ ...each, place })));
    expect(breaking(theirs, (each) => each.startupProbe && each.readinessProbe && each.livenessProbe)).toEqual([]);
  });

  it('each container says what it needs and what it may use, of CPU and memory', () => {
    const says = ({ resources }: Container) =>
      [resources?.requests, resources?.limits].every((amounts) => amounts?.cpu && amounts.memory);
    expect(breaking(containers, says)).toEqual([]);
  });

  it('each container runs as Kubernetes restricts it, with a read-only root', () => {
    const restricted = ({ securityContext }: Container) =>
      securityContext?.allowPrivilegeEscalation === false &&
      securityContext.readOnlyRootFilesystem === true &&
      securityContext.capabilities?.drop?.includes('ALL');
    expect(breaking(containers, restricted)).toEqual([]);
    const plain = pods.filter(({ spec }) => spec.containers.length > 0);
    expect(
      breaking(
        plain,
        ({ spec: { securityContext } }) =>
          securityContext?.runAsNonRoot && securityContext.seccompProfile?.type === 'RuntimeDefault',
      ),
    ).toEqual([]);
  });

  it('no pod is given a token of the Kubernetes API', () => {
    expect(breaking(pods, ({ spec }) => spec.automountServiceAccountToken === false)).toEqual([]);
  });

  it('each image has a tag, and none is latest', () => {
    expect(breaking(containers, ({ image }) => /[^/]+:[^/:]+$/.test(image) && !/:latest\b/.test(image))).toEqual([]);
  });

  it('the grace period outlasts preStop and the drain', () => {
    for (const name of SERVICES) {
      const { spec } = pods.find(({ place }) => place === `Deployment/realmkeep-${name}`)!;
      const { preStop } = spec.containers[0]!.lifecycle!;
      const slept = preStop?.exec?.command.join(' ').match(/sleep (\d+)/)?.[1];
      const before = preStop?.sleep?.seconds ?? Number(slept);
      const { DRAIN_DELAY_MS = 0, DRAIN_TIMEOUT_MS = 0 } = configMap(`realmkeep-${name}-settings`);
      const drain = (Number(DRAIN_DELAY_MS) + Number(DRAIN_TIMEOUT_MS)) / 1000;
      expect(before, name).toBeGreaterThan(0);
      expect(spec.terminationGracePeriodSeconds, name).toBeGreaterThan(before + drain);
    }
  });

  it('Envoy drains for longer than a call may last', () => {
    const { spec } = pods.find(({ place }) => place === 'Deployment/realmkeep-envoy')!;
    const command = spec.containers[0]!.lifecycle!.preStop!.exec!.command.join(' ');
    expect(Number(command.match(/sleep (\d+)/)?.[1])).toBeGreaterThan(30);
  });

  it('a rollout takes no pod away before its successor counts', () => {
    for (const deployment of ofKind('Deployment')) {
      expect(deployment.spec, placeOf(deployment)).toMatchObject({
        strategy: { rollingUpdate: { maxUnavailable: 0 } },
      });
    }
  });

  it('each Deployment is scaled, has a budget for disruptions, and is spread over zones and nodes', () => {
    for (const deployment of ofKind('Deployment')) {
      const { name } = deployment.metadata;
      const pod = podOf(deployment)!;
      const scaler = ofKind('HorizontalPodAutoscaler').find(
        ({ spec }) => (spec as { scaleTargetRef: { name: string } }).scaleTargetRef.name === name,
      );
      const scaled = scaler?.spec as { metrics: { containerResource?: { container: string } }[] } | undefined;
      const container = scaled?.metrics[0]?.containerResource?.container;
      expect(
        pod.spec.containers.map((each) => each.name),
        name,
      ).toContain(container);
      expect(budgetsOf(pod.labels), name).toHaveLength(1);
      expect(
        pod.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey),
        name,
      ).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
    }
  });

  it('everything is denied to each pod but what a policy of its own allows', () => {
    for (const { place, labels } of pods) {
      const theirs = policiesOf(labels).map(({ metadata }) => metadata.name);
      expect(theirs, place).toContain('realmkeep-default-deny');
    }
    for (const { place, labels, kind } of pods) {
      if (kind !== 'Deployment' && kind !== 'StatefulSet') continue;
      const own = policiesOf(labels).filter(
        ({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] !== 'network',
      );
      expect(own, place).not.toHaveLength(0);
    }
  });

  it('nothing of a hook stays, however it ends', () => {
    const hooks = manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook']);
    expect(hooks).not.toEqual([]);
    for (const hook of hooks) {
      const policy = hook.metadata.annotations?.['helm.sh/hook-delete-policy']?.split(',');
      expect(policy, placeOf(hook)).toEqual(expect.arrayContaining(['hook-succeeded', 'hook-failed']));
    }
  });

  it('no ConfigMap holds a secret', () => {
    const secret =
      /PRIVATE KEY-----|:\/\/[^/\s:]+:[^@\s$({]+@|(?:^|\W)(?:password|requirepass|masterauth)\s*[=:]\s*['"]?[A-Za-z0-9]{8,}/i;
    const holding = ofKind('ConfigMap').flatMap((map) =>
      Object.entries(map.data ?? {})
        .filter(([, text]) => secret.test(text))
        .map(([key]) => `${placeOf(map)} ${key}`),
    );
    expect(holding).toEqual([]);
  });

  it('each Service has pods, and names ports that they have', () => {
    for (const service of ofKind('Service')) {
      const { selector, ports } = service.spec as {
        selector: Record<string, string>;
        ports: { targetPort?: string | number }[];
      };
      // Pods of an operator are its own affair.
      if (Object.keys(selector).some((key) => key.startsWith('cnpg.io/'))) continue;
      const theirs = pods.filter(({ labels }) => selects(selector, labels));
      expect(theirs, placeOf(service)).not.toHaveLength(0);
      for (const { targetPort } of ports) {
        if (typeof targetPort !== 'string') continue;
        const names = theirs.map(({ spec }) => spec.containers.flatMap((each) => each.ports ?? []));
        for (const port of names)
          expect(
            port.map(({ name }) => name),
            placeOf(service),
          ).toContain(targetPort);
      }
    }
  });

  it('all Envoys together send a process no more calls than it takes', () => {
    const { spec } = ofKind('HorizontalPodAutoscaler').find(({ metadata }) => metadata.name === 'realmkeep-envoy')!;
    const envoys = (spec as { maxReplicas: number }).maxReplicas;
    for (const name of ['player-state', 'item-location', 'area-stats']) {
      const { MAX_IN_WORK } = configMap(`realmkeep-${name}-settings`);
      // One connection of 200 streams for each of the two workers; a rollout has one Envoy more.
      expect(Number(MAX_IN_WORK), name).toBeGreaterThanOrEqual((envoys + 1) * 2 * 200);
    }
  });

  function policiesOf(labels: Record<string, string>): Manifest[] {
    return ofKind('NetworkPolicy').filter(({ spec }) => chosen(spec, 'podSelector', labels));
  }
  function budgetsOf(labels: Record<string, string>): Manifest[] {
    return ofKind('PodDisruptionBudget').filter(({ spec }) => chosen(spec, 'selector', labels));
  }
  function chosen(spec: unknown, field: string, labels: Record<string, string>): boolean {
    const selector = (spec as Record<string, { matchLabels?: Record<string, string> }>)[field];
    return selects(selector?.matchLabels, labels);
  }
});
