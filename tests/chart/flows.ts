import type { Manifest } from '../../tools/chart/reviewed.ts';
import { type Pod, podOf, selects } from './manifests.ts';

type Selector = { matchLabels?: Record<string, string>; matchExpressions?: unknown[] };
type Peer = { podSelector?: Selector; namespaceSelector?: Selector; ipBlock?: object };
type Rule = { ports?: { port: number | string }[]; from?: Peer[]; to?: Peer[] };
type Policy = { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
type Port = { name?: string; containerPort: number };

/** A pod as policies see one. */
export type Caller = { namespace: string; labels: Record<string, string> };
/** A kind of pod of the release, by the label of its name, and the ports on which it is called. */
type Party = Caller & { name: string; ports: Port[] };

/** The namespace that the renders are made for. */
const OWN = 'realmkeep';
/** An instance of CloudNativePG serves Postgres, its manager's status and metrics. */
const CNPG_PORTS = [5432, 8000, 9187].map((containerPort) => ({ containerPort }));

/**
 * Which pods of the release reach which ports of which others by its policies: `envoy -> player-state:50051`. A pod that
 * no policy chooses would reach, and be reached by, everything.
 */
export function flowsOf(manifests: readonly Manifest[]): string[] {
  return partiesOf(manifests)
    .flatMap((from) => reachedBy(from, manifests).map((to) => `${from.name} -> ${to}`))
    .toSorted();
}

/** Which ports of which pods of the release a pod reaches, of the release or not, anywhere in the cluster: `envoy:8080`. */
export function reachedBy(from: Caller, manifests: readonly Manifest[]): string[] {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  return partiesOf(manifests)
    .flatMap((to) =>
      to.ports
        .filter((port) => leaves(policies, from, to, port) && arrives(policies, from, to, port))
        .map((port) => `${to.name}:${port.containerPort}`),
    )
    .toSorted();
}

function partiesOf(manifests: readonly Manifest[]): Party[] {
  const byName = new Map<string, Party>();
  for (const { labels, spec } of manifests.map(podOf).filter((pod): pod is Pod => pod !== undefined)) {
    const name = labels['app.kubernetes.io/name']!;
    byName.set(name, { name, namespace: OWN, labels, ports: spec.containers.flatMap(({ ports }) => ports ?? []) });
  }
  // The operator makes these pods, with this label.
  for (const { metadata } of manifests.filter(({ kind }) => kind === 'Cluster')) {
    const labels = { 'cnpg.io/cluster': metadata.name };
    byName.set('postgres', { name: 'postgres', namespace: OWN, labels, ports: CNPG_PORTS });
  }
  return [...byName.values()];
}

function leaves(policies: Policy[], from: Caller, to: Party, port: Port): boolean {
  const theirs = choosing(policies, from, 'Egress');
  if (theirs.length === 0) return true;
  return theirs.some(({ egress = [] }) => egress.some((rule) => names(rule.to, to) && opens(rule, port)));
}

function arrives(policies: Policy[], from: Caller, to: Party, port: Port): boolean {
  const theirs = choosing(policies, to, 'Ingress');
  if (theirs.length === 0) return true;
  return theirs.some(({ ingress = [] }) => ingress.some((rule) => names(rule.from, from) && opens(rule, port)));
}

/** The policies that bind a pod: those of the release bind none of another namespace. */
function choosing(policies: Policy[], { namespace, labels }: Caller, type: string): Policy[] {
  if (namespace !== OWN) return [];
  return policies.filter((each) => each.policyTypes.includes(type) && chosen(each.podSelector, labels));
}

/** No peers: everyone. No selector of namespaces: pods of this one. A selector of namespaces alone: every pod in them. */
function names(peers: Peer[] | undefined, { namespace, labels }: Caller): boolean {
  if (!peers || peers.length === 0) return true;
  const within = (selector: Selector | undefined) =>
    selector ? chosen(selector, { 'kubernetes.io/metadata.name': namespace }) : namespace === OWN;
  return peers.some(
    ({ podSelector, namespaceSelector, ipBlock }) =>
      !ipBlock && within(namespaceSelector) && (!podSelector || chosen(podSelector, labels)),
  );
}

function opens({ ports }: Rule, { name, containerPort }: Port): boolean {
  return !ports || ports.length === 0 || ports.some(({ port }) => port === containerPort || port === name);
}

function chosen({ matchLabels, matchExpressions }: Selector, labels: Record<string, string>): boolean {
  if (matchExpressions) throw new Error('expressions of selectors are not understood here');
  return selects(matchLabels, labels);
}
