import { randomUuid } from './ids.ts';
import { createRandom } from './random.ts';

/** A place that things are at. */
export type Place = { locationId: string; name: string; areaCode: string };

/** The world is the same for every seed: seeds add players to it. */
export type World = { places: Place[]; areas: string[]; modes: string[] };

const regions = ['Ashen Vale', 'Frostmere', 'Gilded Coast', 'Hollow Deep', 'Sunken Moor', 'Thornwood', 'Windreach'];
const spots = ['Market', 'Gate', 'Vault', 'Forge'];

/** 50 areas with 4 places each, and the modes that are played in them. */
export function createWorld(): World {
  const areas = Array.from({ length: 50 }, (_, index) => String(101 + index));
  const random = createRandom(0x776f726c, 0x64);
  const places = areas.flatMap((areaCode, index) =>
    spots.map((spot) => ({
      locationId: randomUuid(random),
      name: `${regions[index % regions.length]} ${Math.floor(index / regions.length) + 1}, ${spot}`,
      areaCode,
    })),
  );
  return { places, areas, modes: ['battle_royale', 'capture_the_flag', 'duel', 'raid', 'survival'] };
}
