import type { Measurement } from './probe.ts';

/** A node among which a choice is made: what is known of it, and how many works of this process run on it. */
export type Candidate = { readonly known: Measurement | undefined; readonly busy: number };

/**
 * The primary among the nodes. A node that takes itself for a primary on an older timeline was left behind by a
 * promotion, and is none.
 */
export function choosePrimary<C extends Candidate>(nodes: readonly C[]): C | undefined {
  let chosen: C | undefined;
  for (const node of nodes) {
    if (node.known?.role !== 'primary') continue;
    if (!chosen || node.known.timeline > (chosen.known?.timeline ?? 0)) chosen = node;
  }
  return chosen;
}

/**
 * The node for a read: the least busy replica within the lag limit, else the primary. While no primary is known, when
 * heartbeats stop and every replica looks late, it is the replica with the least lag. `turn` decides among equals.
 */
export function chooseForRead<C extends Candidate>(nodes: readonly C[], maxLagMs: number, turn: number): C | undefined {
  let chosen: C | undefined;
  for (let index = 0; index < nodes.length; index += 1) {
    const node = nodes[(index + turn) % nodes.length] as C;
    if (node.known?.role !== 'replica' || node.known.lagMs > maxLagMs) continue;
    if (!chosen || node.busy < chosen.busy) chosen = node;
  }
  return chosen ?? choosePrimary(nodes) ?? leastLag(nodes);
}

function leastLag<C extends Candidate>(nodes: readonly C[]): C | undefined {
  let chosen: C | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    if (node.known?.role !== 'replica' || node.known.lagMs >= least) continue;
    chosen = node;
    least = node.known.lagMs;
  }
  return chosen;
}
