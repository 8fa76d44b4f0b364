import type { Manifest } from '../../tools/chart/reviewed.ts';
import { type Pod, podOf, selects } from './manifests.ts';

type Selector = { matchLabels?: Record<string, string>; matchExpressions?: unknown[] };
type Peer = { podSelector?: Selector; namespaceSelector?: Selector; ipBlock?: object };
type Rule = { ports?: { port: number | string }[]; from?: Peer[]; to?: Peer[] };
type Policy = { podSelector: Selector; policyTypes: string[]; ingress?: Rule[]; egress?: Rule[] };
type Port = { name?: string; containerPort: number };

/** A kind of pod, by the label of its name, and the ports on which it is called. */
type Party = { name: string; labels: Record<string, string>; ports: Port[] };

/**
 * Which pods of the release reach which ports of which others by its policies: `envoy -> player-state:50051`. A pod that
 * no policy chooses would reach, and be reached by, everything.
 */
export function flowsOf(manifests: readonly Manifest[]): string[] {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  const parties = partiesOf(manifests);
  return parties
    .flatMap((from) =>
      parties.flatMap((to) =>
        to.ports
          .filter((port) => leaves(policies, from, to, port) && arrives(policies, from, to, port))
          .map((port) => `${from.name} -> ${to.name}:${port.containerPort}`),
      ),
    )
    .toSorted();
}

function partiesOf(manifests: readonly Manifest[]): Party[] {
  const byName = new Map<string, Party>();
  for (const { labels, spec } of manifests.map(podOf).filter((pod): pod is Pod => pod !== undefined)) {
    const name = labels['app.kubernetes.io/name']!;
    byName.set(name, { name, labels, ports: spec.containers.flatMap(({ ports }) => ports ?? []) });
  }
  return [...byName.values()];
}

function leaves(policies: Policy[], from: Party, to: Party, port: Port): boolean {
  const theirs = choosing(policies, from, 'Egress');
  if (theirs.length === 0) return true;
  return theirs.some(({ egress = [] }) => egress.some((rule) => names(rule.to, to) && opens(rule, port)));
}

function arrives(policies: Policy[], from: Party, to: Party, port: Port): boolean {
  const theirs = choosing(policies, to, 'Ingress');
  if (theirs.length === 0) return true;
  return theirs.some(({ ingress = [] }) => ingress.some((rule) => names(rule.from, from) && opens(rule, port)));
}

function choosing(policies: Policy[], { labels }: Party, type: string): Policy[] {
  return policies.filter((each) => each.policyTypes.includes(type) && chosen(each.podSelector, labels));
}

/** No peers: everyone. A selector of namespaces alone: every pod in them, ours among them. */
function names(peers: Peer[] | undefined, { labels }: Party): boolean {
  if (!peers || peers.length === 0) return true;
  return peers.some(({ podSelector, ipBlock }) => !ipBlock && (!podSelector || chosen(podSelector, labels)));
}

function opens({ ports }: Rule, { name, containerPort }: Port): boolean {
  return !ports || ports.length === 0 || ports.some(({ port }) => port === containerPort || port === name);
}

function chosen({ matchLabels, matchExpressions }: Selector, labels: Record<string, string>): boolean {
  if (matchExpressions) throw new Error('expressions of selectors are not understood here');
  return selects(matchLabels, labels);
}
