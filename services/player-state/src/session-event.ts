import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Outcome,
  Outcome_Result,
  type RecordEventsRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { timestampFromMicros } from './micros.ts';
import type { SessionEventRow } from './repository/session-events.ts';

type RecordedEvent = NonNullable<MessageInitShape<typeof RecordEventsRequestSchema>['events']>[number];

/** The event as area-stats takes it. */
export function toRecordedEvent(row: SessionEventRow): RecordedEvent {
  return {
    eventId: row.event_id,
    areaCode: row.area_code,
    multiplayerMode: row.multiplayer_mode,
    userId: row.player_id,
    eventName: row.event_name,
    epochTimestamp: timestampFromMicros(row.at),
  };
}

/** What becomes of events that were answered for, by their ids in the queue. */
export type Settlement = { delivered: string[]; refused: { id: string; reason: string }[]; kept: string[] };

/** Outcome i is that of event i. */
export function settle(events: SessionEventRow[], outcomes: Outcome[]): Settlement {
  const settlement: Settlement = { delivered: [], refused: [], kept: [] };
  for (const [i, { id }] of events.entries()) {
    const { result, reason } = outcomes[i] ?? { result: Outcome_Result.UNSPECIFIED, reason: '' };
    if (result === Outcome_Result.RECORDED || result === Outcome_Result.DUPLICATE) settlement.delivered.push(id);
    // Refused for now: the clocks differ, and its time will come.
    else if (result === Outcome_Result.REFUSED && reason !== 'EVENT_IN_FUTURE') settlement.refused.push({ id, reason });
    else settlement.kept.push(id);
  }
  return settlement;
}
