import { type Entry, encodeEvent } from './event-queue/entry.ts';
import type { Refused } from './outcome.ts';

/** Why a queued event was not recorded. */
export type ParkedReason = 'EVENT_TOO_OLD' | 'EVENT_IN_FUTURE' | 'INVALID_EVENT' | 'NOT_RECORDABLE';

/** A queued event that was not recorded, to be kept for an operator. */
export type ParkedEvent = {
  /** The place in the queue that it came from. */
  entry: string;
  /** As it was queued, with the time of its receipt where it had none. */
  event: string;
  reason: ParkedReason;
  message: string;
};

/** What to keep of an entry that was refused. */
export function parkedAsRefused(entry: Entry, { reason, violations }: Refused): ParkedEvent {
  const message = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  return parked(entry, reason, message);
}

/** What to keep of an entry that holds no event. */
export function parkedAsInvalid(entry: Entry): ParkedEvent {
  return parked(entry, 'INVALID_EVENT', 'the entry holds no event');
}

/** What to keep of an entry whose event breaks whatever it is recorded with. */
export function parkedAsBroken(entry: Entry, fault: unknown): ParkedEvent {
  return parked(entry, 'NOT_RECORDABLE', fault instanceof Error ? fault.message : String(fault));
}

// What is kept of a text: an event is shorter, and what is none may be of any length.
const MOST_TEXT = 4_000;

function parked({ shard, id, event, text }: Entry, reason: ParkedReason, message: string): ParkedEvent {
  const kept = event ? encodeEvent(event) : text.slice(0, MOST_TEXT);
  return { entry: `${shard}/${id}`, event: kept, reason, message: message.slice(0, MOST_TEXT) };
}
