import type { Entry } from './entry.ts';

// A stored value: one byte that names this form, the version and the time in milliseconds as unsigned 64-bit numbers with
// the high byte first, and the encoded answer.
const FORM = 1;
export const HEADER_BYTES = 17;
const HIGH = 2 ** 32;

/** The value as Redis keeps it. */
export function encodeValue({ bytes, version, asOf }: Entry): Buffer {
  const value = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  value[0] = FORM;
  const time = Math.floor(asOf);
  value.writeUInt32BE(Math.floor(version / HIGH), 1);
  value.writeUInt32BE(version % HIGH, 5);
  value.writeUInt32BE(Math.floor(time / HIGH), 9);
  value.writeUInt32BE(time % HIGH, 13);
  value.set(bytes, HEADER_BYTES);
  return value;
}

/** The entry of a value; undefined for a form of another time. */
export function decodeValue(value: Buffer): Entry | undefined {
  if (value.length < HEADER_BYTES || value[0] !== FORM) return undefined;
  return {
    version: value.readUInt32BE(1) * HIGH + value.readUInt32BE(5),
    asOf: value.readUInt32BE(9) * HIGH + value.readUInt32BE(13),
    // A copy: the value is a part of a larger buffer, which it would keep alive.
    bytes: new Uint8Array(value.subarray(HEADER_BYTES)),
  };
}
