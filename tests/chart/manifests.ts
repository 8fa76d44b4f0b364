import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Stores } from '../../tools/chart/render.ts';
import { type Manifest, manifestsOf, reviewedFile } from '../../tools/chart/reviewed.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type Probe = object;
export type Container = {
  name: string;
  image: string;
  ports?: { name?: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities?: { drop?: string[] };
  };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number }; exec?: { command: string[] } } };
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
};
export type Pod = {
  labels: Record<string, string>;
  spec: {
    containers: Container[];
    initContainers?: Container[];
    automountServiceAccountToken?: boolean;
    terminationGracePeriodSeconds?: number;
    topologySpreadConstraints?: { topologyKey: string }[];
    securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type: string } };
  };
};

/** The reviewed render of one kind of stores. */
export function reviewedManifests(stores: Stores): Manifest[] {
  return manifestsOf(readFileSync(`${root}/${reviewedFile(stores)}`, 'utf8'));
}

/** `Deployment/realmkeep-envoy`. */
export function placeOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

type Template = { metadata?: { labels?: Record<string, string> }; spec: Pod['spec'] };

/** The pods that an object makes, or is; undefined when it makes none. */
export function podOf({ kind, metadata, spec }: Manifest): Pod | undefined {
  if (kind === 'Pod') return { labels: metadata.labels ?? {}, spec: spec as Pod['spec'] };
  const jobs = spec as { template?: Template; jobTemplate?: { spec: { template: Template } } } | undefined;
  const template = kind === 'CronJob' ? jobs?.jobTemplate?.spec.template : jobs?.template;
  if (!template?.spec?.containers) return undefined;
  return { labels: template.metadata?.labels ?? {}, spec: template.spec };
}

/** Whether the labels have all of those that a selector names. */
export function selects(selector: Record<string, string> | undefined, labels: Record<string, string>): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}
