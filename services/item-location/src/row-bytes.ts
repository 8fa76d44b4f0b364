import type { ItemLocationRow } from './item-location.ts';

// Field numbers of ItemLocation, Position and google.protobuf.Timestamp with their wire types, as in the contract.
const POSITION = 0x5a;
const UPDATE_TIME = 0x72;
/** What a row takes beside its texts, at most: ids, numbers, tags and lengths. */
const FIXED_BYTES = 320;
/** A UTF-16 unit takes at most so many bytes. */
const UNIT_BYTES = 3;
const ITEM_LOCATIONS = 0x0a;
const LARGEST_HEAD = 6;

/**
 * The rows as field 1 of an answer, encoded: what the generated code would make of `toItemLocation`, in less than half of
 * its time.
 */
export function rowsBytes(rows: ItemLocationRow[]): Buffer {
  let most = 0;
  for (const row of rows) most += FIXED_BYTES + LARGEST_HEAD + UNIT_BYTES * unitsOf(row);
  const bytes = Buffer.allocUnsafe(most);
  let end = 0;
  for (const row of rows) {
    // The row goes behind the longest head, and is moved to the end of the one that it has.
    const begin = end + LARGEST_HEAD;
    const length = writeRow(bytes, begin, row) - begin;
    bytes[end] = ITEM_LOCATIONS;
    const content = writeVarint(bytes, end + 1, length);
    bytes.copyWithin(content, begin, begin + length);
    end = content + length;
  }
  return bytes.subarray(0, end);
}

function unitsOf(row: ItemLocationRow): number {
  return (
    row.item_id.length +
    row.item_name.length +
    row.item_kind.length +
    row.owner_name.length +
    row.location_name.length +
    row.area_code.length
  );
}

/** Writes a row and answers where it ends. A field that has its default is left out. */
function writeRow(bytes: Buffer, begin: number, row: ItemLocationRow): number {
  let at = writeText(bytes, begin, 0x0a, row.game_item_id);
  at = writeText(bytes, at, 0x12, row.item_id);
  at = writeText(bytes, at, 0x1a, row.item_name);
  at = writeText(bytes, at, 0x22, row.item_kind);
  at = writeNumber(bytes, at, 0x28, row.quantity);
  at = writeText(bytes, at, 0x32, row.owner_id);
  at = writeText(bytes, at, 0x3a, row.owner_name);
  at = writeText(bytes, at, 0x42, row.location_id ?? '');
  at = writeText(bytes, at, 0x4a, row.location_name);
  at = writeText(bytes, at, 0x52, row.area_code);
  bytes[at] = POSITION;
  let end = writeDouble(bytes, at + 2, 0x09, row.x);
  end = writeDouble(bytes, end, 0x11, row.y);
  end = writeDouble(bytes, end, 0x19, row.z);
  bytes[at + 1] = end - at - 2;
  at = writeNumber(bytes, end, 0x60, row.version);
  at = writeNumber(bytes, at, 0x68, row.source_version);
  bytes[at] = UPDATE_TIME;
  const ms = new Date(row.updated_at).getTime();
  const seconds = Math.floor(ms / 1_000);
  end = writeNumber(bytes, at + 2, 0x08, seconds);
  end = writeNumber(bytes, end, 0x10, (ms - seconds * 1_000) * 1e6);
  bytes[at + 1] = end - at - 2;
  return end;
}

function writeText(bytes: Buffer, at: number, tag: number, text: string): number {
  const { length } = text;
  if (length === 0) return at;
  bytes[at] = tag;
  if (length < 128) {
    // Short and plain, as nearly all are: faster than the call that writes any text.
    let index = 0;
    for (; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 127) break;
      bytes[at + 2 + index] = unit;
    }
    if (index === length) {
      bytes[at + 1] = length;
      return at + 2 + length;
    }
  }
  const content = writeVarint(bytes, at + 1, Buffer.byteLength(text));
  return content + bytes.write(text, content);
}

/** A whole number, not below zero; one beyond 2^53 as text. */
function writeNumber(bytes: Buffer, at: number, tag: number, value: number | string): number {
  const number = Number(value);
  if (number === 0) return at;
  bytes[at] = tag;
  if (number <= Number.MAX_SAFE_INTEGER) return writeVarint(bytes, at + 1, number);
  let rest = BigInt(value);
  let end = at + 1;
  for (; rest > 127n; rest >>= 7n) bytes[end++] = Number(rest & 127n) | 128;
  bytes[end++] = Number(rest);
  return end;
}

function writeDouble(bytes: Buffer, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  bytes[at] = tag;
  return bytes.writeDoubleLE(value, at + 1);
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 128;
  bytes[end++] = rest;
  return end;
}
