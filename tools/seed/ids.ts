import type { Random } from './random.ts';

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** A random UUID (version 4), as a caller chooses one. */
export function randomUuid(random: Random): string {
  const word = () => Math.floor(random.next() * 4_294_967_296);
  const [a, b, c, d] = [word(), word(), word(), word()];
  const third = hex((b & 0x0fff) | 0x4000, 4);
  const fourth = hex(((c >>> 16) & 0x3fff) | 0x8000, 4);
  return `${hex(a, 8)}-${hex(b >>> 16, 4)}-${third}-${fourth}-${hex(c & 0xffff, 4)}${hex(d, 8)}`;
}

/**
 * A UUID that grows with time (version 7), as the database gives one, for the moment `milliseconds`; the rest is
 * random. Equal moments are told apart by `sequence` (0 to 4,095), which orders them.
 */
export function timeUuid(milliseconds: number, sequence: number, random: Random): string {
  const time = hex(milliseconds, 12);
  const word = () => Math.floor(random.next() * 4_294_967_296);
  const [a, b] = [word(), word()];
  const fourth = hex((a >>> 18) | 0x8000, 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(sequence, 3)}-${fourth}-${hex(a & 0xffff, 4)}${hex(b, 8)}`;
}
