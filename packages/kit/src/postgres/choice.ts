import { ageOf, type Measurement } from './probe.ts';

/** A node among which a choice is made: what is known of it, and how many works of this process run on it. */
export type Candidate = { readonly known: Measurement | undefined; readonly busy: number };

export type ReadChoice = {
  /** How old a replica's data may be, in milliseconds. */
  maxLagMs: number;
  /** The newest timeline that a primary was seen on. */
  newest: number;
  /**
   * How old the answer may be at most, in milliseconds: a replica must be proven younger by its measurement, and when none
   * is only the primary will do.
   */
  maxStalenessMs?: number | undefined;
  /** The moment of the choice, by `performance.now()`. */
  now: number;
  /** Decides among equally busy nodes: another number, another first. */
  turn: number;
};

/** The newest timeline of a primary among the nodes; `before` when that is newer. */
export function newestTimeline(nodes: readonly Candidate[], before: number): number {
  return nodes.reduce(
    (newest, { known }) => (known?.role === 'primary' ? Math.max(newest, known.timeline) : newest),
    before,
  );
}

/** The primary on the newest timeline. One on an older timeline was left behind by a promotion, and is none. */
export function choosePrimary<C extends Candidate>(nodes: readonly C[], newest: number): C | undefined {
  return nodes.find(({ known }) => known?.role === 'primary' && known.timeline === newest);
}

/**
 * The node for a read: the least busy replica of the newest timeline within the lag limit, else the primary. While there
 * is no primary, heartbeats stop and every replica looks late: then it is the one that has come farthest.
 */
export function chooseForRead<C extends Candidate>(nodes: readonly C[], choice: ReadChoice): C | undefined {
  const { maxLagMs, maxStalenessMs = Number.POSITIVE_INFINITY, newest, turn, now } = choice;
  let chosen: C | undefined;
  for (let index = 0; index < nodes.length; index += 1) {
    const node = nodes[(index + turn) % nodes.length] as C;
    const { known } = node;
    if (known?.role !== 'replica' || known.timeline < newest || known.lagMs > maxLagMs) continue;
    if (ageOf(known, now) > maxStalenessMs) continue;
    if (!chosen || node.busy < chosen.busy) chosen = node;
  }
  chosen ??= choosePrimary(nodes, newest);
  return chosen ?? (maxStalenessMs === Number.POSITIVE_INFINITY ? farthest(nodes) : undefined);
}

function farthest<C extends Candidate>(nodes: readonly C[]): C | undefined {
  let [chosen, best]: [C?, Measurement?] = [];
  for (const node of nodes) {
    const { known } = node;
    if (known?.role !== 'replica' || known.lagMs === Number.POSITIVE_INFINITY) continue;
    const farther =
      !best || known.timeline > best.timeline || (known.timeline === best.timeline && known.lagMs < best.lagMs);
    if (farther) [chosen, best] = [node, known];
  }
  return chosen;
}
