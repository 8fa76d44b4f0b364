import { createRandom } from '../seed/random.ts';
import { createZipf } from './zipf.ts';

/** So many of the values, by Zipf's law over their order. */
export function drawByZipf<T>(values: readonly T[], count: number, seed: number): T[] {
  const draw = createZipf(values.length, createRandom(seed).next);
  return Array.from({ length: count }, () => values[draw()]!);
}

/** The values in an order of its own for each seed. */
export function shuffle<T>(values: readonly T[], seed: number): T[] {
  const { between } = createRandom(seed);
  const shuffled = [...values];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = between(0, last);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}
