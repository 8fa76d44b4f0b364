import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type RecordEventRequestSchema,
  RecordEventsRequestSchema,
} from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { createRandom } from '../seed/random.ts';

export const RECORD_EVENTS = '/realmkeep.area_stats.v1.AreaStatsService/RecordEvents';

export type AreaEvent = {
  eventId: string;
  areaCode: string;
  multiplayerMode: string;
  userId: string;
  eventName: 'LOGIN' | 'LOGOUT';
  atMs: number;
};

const AREAS = 100;
const MODES = 5;

/**
 * So many new events of as many users, each of whom plays in three areas and modes: drawn uniformly, LOGIN as often as
 * LOGOUT, in the order of their times, which are of the last minute.
 */
export function drawEvents({ events, users, seed }: { events: number; users: number; seed: number }): AreaEvent[] {
  const { between, next } = createRandom(seed);
  const start = Date.now() - 60_000;
  return Array.from({ length: events }, (_, index) => {
    const user = between(1, users);
    const place = (user * 31 + between(1, 3) * 7) % (AREAS * MODES);
    return {
      eventId: crypto.randomUUID(),
      areaCode: String(100 + Math.floor(place / MODES)),
      multiplayerMode: `mode-${place % MODES}`,
      userId: `user-${user}`,
      eventName: next() < 0.5 ? 'LOGIN' : 'LOGOUT',
      atMs: start + Math.floor((index * 60_000) / events),
    };
  });
}

/** The events in batches of `size`. */
export function batchesOf(events: AreaEvent[], size: number): AreaEvent[][] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, batch) =>
    events.slice(batch * size, (batch + 1) * size),
  );
}

/** RecordEvents of a batch. */
export function recordRequest(batch: AreaEvent[]): Uint8Array {
  const events = batch.map(
    ({ atMs, ...event }): MessageInitShape<typeof RecordEventRequestSchema> => ({
      ...event,
      epochTimestamp: timestampFromMs(atMs),
    }),
  );
  return toBinary(RecordEventsRequestSchema, create(RecordEventsRequestSchema, { events }));
}

/** A batch as COPY reads it, with the columns of area_mode_events in their order, received now. */
export function copyRows(batch: AreaEvent[]): Buffer {
  const now = new Date().toISOString();
  const lines = batch.map(({ eventId, areaCode, multiplayerMode, userId, eventName, atMs }) =>
    [now, eventId, new Date(atMs).toISOString(), areaCode, multiplayerMode, userId, eventName].join('\t'),
  );
  return Buffer.from(`${lines.join('\n')}\n`);
}
