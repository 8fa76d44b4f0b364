import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { FieldViolation } from '@realmkeep/kit/errors/common';
import { violationsOf } from '@realmkeep/kit/server/validator';
import {
  type RecordEventRequest,
  RecordEventRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';

/** One LOGIN or LOGOUT that fits the contract. */
export type Event = {
  eventId: string;
  areaCode: string;
  multiplayerMode: string;
  userId: string;
  eventName: string;
  /** In ISO form with microseconds; null: the time of receipt. */
  eventTime: string | null;
};

/** An event, or every field that breaks a rule. */
export type Judged = { event: Event; violations?: never } | { event?: never; violations: FieldViolation[] };

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what google.protobuf.Timestamp can say.
const LEAST_SECONDS = -62_135_596_800n;
const MOST_SECONDS = 253_402_300_799n;

// A presence is found by these three, and an entry of a Postgres index holds 2,704 bytes. Only names near 255
// characters of four bytes each come near.
const MOST_KEY_BYTES = 2_600;

/** Judges one event by itself. */
export function eventOf(request: RecordEventRequest): Judged {
  const violations = violationsOf(RecordEventRequestSchema, request);
  const { eventId, areaCode, multiplayerMode, userId, eventName, epochTimestamp } = request;
  if (epochTimestamp && !isTime(epochTimestamp)) {
    violations.push({ field: 'epoch_timestamp', description: 'must be a time from year 1 to year 9999' });
  }
  if (violations.length === 0 && isTooLong(areaCode, multiplayerMode, userId)) {
    violations.push({
      field: 'user_id',
      description: `must not take more than ${MOST_KEY_BYTES} bytes together with area_code and multiplayer_mode`,
    });
  }
  if (violations.length > 0) return { violations };
  const eventTime = epochTimestamp ? isoMicroseconds(epochTimestamp) : null;
  return { event: { eventId, areaCode, multiplayerMode, userId, eventName, eventTime } };
}

function isTime({ seconds, nanos }: Timestamp): boolean {
  return seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS && nanos >= 0 && nanos <= 999_999_999;
}

/** Whether names take too many bytes together; a UTF-16 code unit takes at most three. */
function isTooLong(...names: string[]): boolean {
  const text = names.join('');
  return text.length > MOST_KEY_BYTES / 3 && Buffer.byteLength(text) > MOST_KEY_BYTES;
}

// Events that come together happened within few seconds.
let lastSecond = { seconds: 0n, text: '1970-01-01T00:00:00' };

// Postgres keeps microseconds; what is finer is cut off, so that no time is ever rounded up.
function isoMicroseconds({ seconds, nanos }: Timestamp): string {
  if (seconds !== lastSecond.seconds) {
    lastSecond = { seconds, text: new Date(Number(seconds) * 1000).toISOString().slice(0, 19) };
  }
  return `${lastSecond.text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}
