import { randomUuid } from './ids.ts';
import { moment } from './moment.ts';
import { playerIdOf } from './player.ts';
import { createRandom } from './random.ts';
import type { World } from './world.ts';

/** A login or logout of a seeded player. */
export type SeededEvent = { eventId: string; areaCode: string; mode: string; name: 'LOGIN' | 'LOGOUT'; at: Date };

/** What one seeded player did in the areas, in order of time; never empty. */
export type SeededPlay = { playerId: string; events: SeededEvent[] };

const eveningMs = 6 * 3_600_000;

/**
 * One to three sessions of player number `index` of a seed, in the six hours before `until`; one in four players is
 * still in the last one.
 */
export function makePlay(
  { seed, world, until }: { seed: number; world: World; until: Date },
  index: number,
): SeededPlay {
  const random = createRandom(seed, index, 0x706c6179, 0x73657373);
  const begin = new Date(until.getTime() - eveningMs);
  const sessions = random.between(1, 3);
  const events: SeededEvent[] = [];
  for (let session = 0; session < sessions; session += 1) {
    // Squaring makes the first areas the popular ones.
    const areaCode = world.areas[Math.floor(random.next() ** 2 * world.areas.length)]!;
    const mode = random.pick(world.modes);
    const event = (name: 'LOGIN' | 'LOGOUT', part: number) => {
      events.push({
        eventId: randomUuid(random),
        areaCode,
        mode,
        name,
        at: moment(begin, until, (session + part) / sessions),
      });
    };
    event('LOGIN', random.next() * 0.4);
    if (session < sessions - 1 || random.next() < 0.75) {
      event('LOGOUT', 0.5 + random.next() * 0.4);
    }
  }
  return { playerId: playerIdOf(seed, index), events };
}
