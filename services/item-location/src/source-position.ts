/** A place in player-state's outbox, ordered by transaction, then by id. */
export type SourcePosition = { transaction: bigint; id: bigint };

/** Whether `position` is at or beyond `wanted`. */
export function hasReached(position: SourcePosition | undefined, wanted: SourcePosition): boolean {
  if (!position) return false;
  if (position.transaction !== wanted.transaction) return position.transaction > wanted.transaction;
  return position.id >= wanted.id;
}
