import { Outcome_Result } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { Acknowledged, NotRecordable } from './outcome.ts';

/** What became of an event, as it is told. */
export function outcomeMessage(eventId: string, outcome: Acknowledged | NotRecordable) {
  const refused = outcome.result === 'REFUSED' ? outcome : undefined;
  return {
    $typeName: 'realmkeep.area_stats.v1.Outcome' as const,
    eventId,
    result: Outcome_Result[outcome.result],
    reason: refused?.reason ?? '',
    message: refused?.violations.map(({ field, description }) => `${field}: ${description}`).join('; ') ?? '',
  };
}
