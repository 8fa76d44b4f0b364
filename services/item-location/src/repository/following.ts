import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { Step } from '../follow-step.ts';
import type { SourcePosition } from '../source-position.ts';

/** Whose listings a step changed. */
export type Touched = { playerIds: string[]; locationIds: string[] };

/**
 * Who follows, by epoch; the number of the last step it took and what that touched; and where to go on, undefined: from a
 * snapshot.
 */
export type Following = { epoch: bigint; step: bigint; touched: Touched; position: SourcePosition | undefined };

/** Takes over the following: whoever followed before can apply nothing any more. */
export async function beginFollowing(primary: Reader): Promise<Following> {
  const { rows } = await primary.query<{
    epoch: string;
    step: string;
    source_transaction: string | null;
    source_id: string | null;
    touched_players: string[];
    touched_locations: string[];
  }>({
    name: 'begin_following',
    text: 'select * from begin_following()',
    values: [],
  });
  const { epoch, step, source_transaction: transaction, source_id: id, ...touched } = rows[0]!;
  const position =
    transaction === null || id === null ? undefined : { transaction: BigInt(transaction), id: BigInt(id) };
  return {
    epoch: BigInt(epoch),
    step: BigInt(step),
    touched: { playerIds: touched.touched_players, locationIds: touched.touched_locations },
    position,
  };
}

/**
 * Applies one step and moves the position, in one transaction. Taking the same step again does nothing: ALREADY.
 * REPLACED: another follower took over, nothing was done.
 *
 * @param number the step's number, one more than the last one's
 */
export async function applyStep(
  primary: Reader,
  { epoch, number, step }: { epoch: bigint; number: bigint; step: Step },
): Promise<{ outcome: 'APPLIED' | 'ALREADY' | 'REPLACED'; parked: number; touched: Touched }> {
  const { rows } = await primary.query<{
    outcome: 'APPLIED' | 'ALREADY' | 'REPLACED';
    parked: number;
    players: string[] | null;
    locations: string[] | null;
  }>({
    name: 'apply_item_events',
    text: `select outcome, parked, players, locations
      from apply_item_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      epoch,
      number,
      JSON.stringify(step.players),
      JSON.stringify(step.items),
      JSON.stringify(step.gameItems),
      JSON.stringify(step.refused),
      step.range?.named ?? null,
      step.range?.after ?? null,
      step.range?.through ?? null,
      step.position?.transaction ?? null,
      step.position?.id ?? null,
      step.asOf,
    ],
  });
  const { outcome, parked, players, locations } = rows[0]!;
  return { outcome, parked, touched: { playerIds: players ?? [], locationIds: locations ?? [] } };
}

/** The source's clock when it read the last step that was applied, as this node has it; null: none was. */
export async function followedAsOf(node: Reader): Promise<Date | null> {
  const { rows } = await node.query<{ as_of: Date | null }>({
    name: 'followed_as_of',
    text: 'select as_of from follow_position',
    values: [],
  });
  return rows[0]!.as_of;
}

/** Makes the next follower start from a snapshot, unless another took over by now. */
export async function forgetPosition(primary: Reader, epoch: bigint): Promise<void> {
  await primary.query({ name: 'forget_position', text: 'select forget_position($1)', values: [epoch] });
}
