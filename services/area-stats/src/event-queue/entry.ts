import type { Event } from '../event.ts';

/** An event that waits in the queue. */
export type Entry = {
  shard: number;
  /** The entry's id in its stream: when it was appended, in epoch microseconds, and `-0`. */
  id: string;
  /** Its time is never null; undefined when the entry holds no event, or was deleted. */
  event: (Event & { eventTime: string }) | undefined;
  /** What the entry holds: its field `event`, or, where it has none, all its fields as JSON; empty when it was deleted. */
  text: string;
};

/** The one field of an entry. */
export const FIELD = 'event';

/** An event as it is queued: JSON with the names of the REST API. */
export function encodeEvent({ eventId, areaCode, multiplayerMode, userId, eventName, eventTime }: Event): string {
  return JSON.stringify({
    event_id: eventId,
    area_code: areaCode,
    multiplayer_mode: multiplayerMode,
    user_id: userId,
    event_name: eventName,
    ...(eventTime === null ? {} : { epoch_timestamp: eventTime }),
  });
}

/** The event in what `encodeEvent` made, with `receivedAt` where it has no time; undefined when it holds none. */
export function decodeEvent(text: string, receivedAt: string): Entry['event'] {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { event_id, area_code, multiplayer_mode, user_id, event_name, epoch_timestamp = receivedAt } = fields ?? {};
  const values = [event_id, area_code, multiplayer_mode, user_id, event_name, epoch_timestamp];
  if (!values.every((value) => typeof value === 'string')) return undefined;
  const [eventId, areaCode, multiplayerMode, userId, eventName, eventTime] = values as string[];
  return {
    eventId: eventId!,
    areaCode: areaCode!,
    multiplayerMode: multiplayerMode!,
    userId: userId!,
    eventName: eventName!,
    eventTime: eventTime!,
  };
}

/**
 * An entry as a stream answers it: names and values in turn, null when it was deleted while it was in work. One that is
 * not of this service keeps what it holds.
 */
export function entryOf(shard: number, [id, fields]: [id: string, fields: string[] | null]): Entry {
  const text = fields ? textOf(fields) || JSON.stringify(fields) : '';
  return { shard, id, event: decodeEvent(text, timeOf(id)), text };
}

function textOf(fields: string[]): string | undefined {
  return fields.find((_, index) => index % 2 === 1 && fields[index - 1] === FIELD);
}

/** When the entry was appended, in epoch milliseconds. */
export function appendedAt(id: string): number {
  return Number.parseInt(id, 10) / 1_000;
}

/** When the entry was appended, in ISO form with microseconds. */
export function timeOf(id: string): string {
  const micros = Number.parseInt(id, 10);
  const milliseconds = new Date(Math.floor(micros / 1_000)).toISOString().slice(0, -1);
  return `${milliseconds}${String(micros % 1_000).padStart(3, '0')}Z`;
}
