import { Outcome_Result } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { Acknowledged, NotRecordable } from './outcome.ts';

/** An event by its id, and what became of it. */
export type JudgedEvent = { eventId: string; outcome: Acknowledged | NotRecordable };

// An id that is refused may be of any length, and so may be what a database says of an event.
const MOST_ID_LENGTH = 255;
const MOST_MESSAGE_LENGTH = 1_000;
const UUID_LENGTH = 36;
/** Bytes of the messages of one answer, and of ids beyond the length of a UUID. */
const BYTE_BUDGET = 800_000;

/** What became of one event, as it is told. */
export function outcomeMessage({ eventId, outcome }: JudgedEvent) {
  const refused = outcome.result === 'REFUSED' ? outcome : undefined;
  const words = refused?.violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  return {
    $typeName: 'realmkeep.area_stats.v1.Outcome' as const,
    eventId: cut(eventId, MOST_ID_LENGTH),
    result: Outcome_Result[outcome.result],
    reason: refused?.reason ?? '',
    message: cut(words ?? '', MOST_MESSAGE_LENGTH),
  };
}

/**
 * What became of the events of one call, as it is told. However many are refused, and with whatever ids, 10,000 outcomes
 * have less than 4 MB: from the first that passes 800 KB on, refusals have no message, and 36 characters of the id.
 */
export function outcomeMessages(judged: JudgedEvent[]) {
  let left = BYTE_BUDGET;
  return judged.map((each) => {
    const message = outcomeMessage(each);
    left -= Buffer.byteLength(message.message) + Math.max(0, Buffer.byteLength(message.eventId) - UUID_LENGTH);
    return left >= 0 ? message : { ...message, eventId: cut(message.eventId, UUID_LENGTH), message: '' };
  });
}

/** The first characters of a text; one takes up to two code units. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return [...text.slice(0, most * 2)].slice(0, most).join('');
}
