import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { OutboxPosition } from '@realmkeep/proto/realmkeep/player_state/v1/item_event';
import type {
  FollowItemEventsResponse,
  SnapshotChunk,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { isUuid, type States, toStates } from './item-event.ts';
import type { SourcePosition } from './source-position.ts';

/** The ids of all live things above `after` up to `through`: what else is live here in that range is gone. */
export type CoveredRange = { after: string; through: string; named: string[] };

/** One step of the stream, ready to be applied in one transaction. */
export type Step = States & {
  range: CoveredRange | undefined;
  /** Where to go on from; undefined within a snapshot. */
  position: SourcePosition | undefined;
  /** Whether the step is a part of a snapshot. */
  snapshot: boolean;
  /** The source's clock when it read the step. */
  asOf: Date;
  /** How many events it holds. */
  size: number;
};

const LOWEST = '00000000-0000-0000-0000-000000000000';
const HIGHEST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Reads a step; a kind of step that is not known here throws, for what it holds would be lost. */
export function toStep({ step, asOf }: FollowItemEventsResponse): Step {
  const read = { asOf: asOf ? timestampDate(asOf) : new Date() };
  switch (step.case) {
    case 'snapshot': {
      const { events, last, position } = step.value;
      const range = rangeOf(step.value);
      const end = last ? positionOf(position) : undefined;
      return { ...read, ...toStates(events), range, position: end, snapshot: true, size: events.length };
    }
    case 'batch': {
      const { events, position } = step.value;
      const end = positionOf(position);
      return { ...read, ...toStates(events), range: undefined, position: end, snapshot: false, size: events.length };
    }
    default:
      throw new Error('player-state sent a kind of step that is not known here');
  }
}

function positionOf(position: OutboxPosition | undefined): SourcePosition {
  if (!position) throw new Error('player-state sent a step without its position');
  return { transaction: position.transaction, id: position.id };
}

function rangeOf(chunk: SnapshotChunk): CoveredRange | undefined {
  if (!chunk.coversGameItems) return undefined;
  // An event that is refused still names a live thing.
  const named = chunk.events.flatMap(({ event }) =>
    event.case === 'gameItem' && isUuid(event.value.gameItemId) ? [event.value.gameItemId] : [],
  );
  return { after: chunk.gameItemsAfter || LOWEST, through: chunk.gameItemsThrough || HIGHEST, named };
}
