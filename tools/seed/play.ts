import { randomUuid } from './ids.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A login or logout of a seeded player. */
export type SeededEvent = { eventId: string; areaCode: string; mode: string; name: 'LOGIN' | 'LOGOUT'; at: Date };

const eveningMs = 6 * 3_600_000;

/** One to three sessions in the six hours before `until`, in order; one in four players is still in the last one. */
export function makeEvents(random: Random, world: World, until: Date): SeededEvent[] {
  const begin = new Date(until.getTime() - eveningMs);
  const sessions = random.between(1, 3);
  const events: SeededEvent[] = [];
  for (let session = 0; session < sessions; session += 1) {
    // Squaring makes the first areas the popular ones.
    const areaCode = world.areas[Math.floor(random.next() ** 2 * world.areas.length)]!;
    const mode = random.pick(world.modes);
    const at = (part: number) => moment(begin, until, (session + part) / sessions);
    events.push({ eventId: randomUuid(random), areaCode, mode, name: 'LOGIN', at: at(random.next() * 0.4) });
    const logout = {
      eventId: randomUuid(random),
      areaCode,
      mode,
      name: 'LOGOUT' as const,
      at: at(0.5 + random.next() * 0.4),
    };
    if (session < sessions - 1 || random.next() < 0.75) {
      events.push(logout);
    }
  }
  return events;
}

/** The moment at `part` (0 to 1) of the way between two. */
export function moment(from: Date, to: Date, part: number): Date {
  return new Date(from.getTime() + Math.floor((to.getTime() - from.getTime()) * part));
}
