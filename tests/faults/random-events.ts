import { createHash } from 'node:crypto';
import type { Random } from '../../tools/seed/random.ts';

/** An event as it is sent; times in epoch milliseconds. */
export type SentEvent = {
  eventId: string;
  areaCode: string;
  multiplayerMode: string;
  userId: string;
  eventName: string;
  atMs: number;
};

const AREAS = 20;
const MODES = 3;
/** How far an event that is out of order may be from its place. */
const FAR = 5_000;

/**
 * So many different events in the order in which they are sent, of users who log in and out in few areas and modes: 20 % of
 * them out of the order of their times, and 20 % as many sent twice. Some have the same time.
 */
export function randomEvents(random: Random, { events, runId }: { events: number; runId: string }): SentEvent[] {
  const users = Math.max(10, Math.floor(events / 50));
  const start = Date.now() - 3_600_000;
  const inOrder = Array.from({ length: events }, (_, index): SentEvent => {
    const user = random.between(1, users);
    const place = (user + random.between(0, 2)) % (AREAS * MODES);
    return {
      eventId: uuidOf(`${runId} ${index}`),
      areaCode: `${runId}-${Math.floor(place / MODES)}`,
      multiplayerMode: `mode-${place % MODES}`,
      userId: `user-${user}`,
      eventName: random.next() < 0.55 ? 'LOGIN' : 'LOGOUT',
      atMs: start + Math.floor((index * 3_000_000) / events / 5) * 5,
    };
  });
  const places: [number, SentEvent][] = [];
  for (const [index, event] of inOrder.entries()) {
    const place = random.next() < 0.2 ? index + random.between(-FAR, FAR) : index;
    places.push([place, event]);
    if (random.next() < 0.2) places.push([place + random.between(0, FAR), event]);
  }
  return places.sort(([one], [other]) => one - other).map(([, event]) => event);
}

/** What `/stats` has to say: by area, mode and count, the number of users whose latest event there is LOGIN. */
export function countsOf(events: SentEvent[]): Map<string, Map<string, number>> {
  const latest = new Map<string, SentEvent>();
  for (const event of events) {
    const key = `${event.areaCode} ${event.multiplayerMode} ${event.userId}`;
    const last = latest.get(key);
    const later = !last || event.atMs > last.atMs || (event.atMs === last.atMs && event.eventId > last.eventId);
    if (later) latest.set(key, event);
  }
  const counts = new Map<string, Map<string, number>>();
  for (const { areaCode, multiplayerMode, eventName } of latest.values()) {
    const modes = counts.get(areaCode) ?? new Map<string, number>();
    counts.set(areaCode, modes);
    if (eventName === 'LOGIN') modes.set(multiplayerMode, (modes.get(multiplayerMode) ?? 0) + 1);
  }
  return counts;
}

function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
