import type { COLUMNS } from './row-columns.ts';

// What `record_send` makes of a row: its number of columns; of each column its type, its length (-1: null) and its value.
// Numbers have the high byte first. Their order is that of COLUMNS.
const HEAD = 4;
const VALUE = 8;
/** The value of a time is in microseconds since 2000. */
const YEAR_2000 = 946_684_800;

/** Wire types and numbers of fields in one byte, as in the contract: those of ItemLocation in the order of its columns. */
const TAGS = {
  game_item_id: 0x0a,
  item_id: 0x12,
  item_name: 0x1a,
  item_kind: 0x22,
  quantity: 0x28,
  owner_id: 0x32,
  owner_name: 0x3a,
  location_id: 0x42,
  location_name: 0x4a,
  area_code: 0x52,
  x: 0x09,
  y: 0x11,
  z: 0x19,
  version: 0x60,
  source_version: 0x68,
  updated_at: 0x72,
} as const satisfies Record<keyof typeof COLUMNS, number>;
const POSITION = 0x5a;
const SECONDS = 0x08;
const NANOS = 0x10;
/** Field 1 of the answer: one of its item_locations. */
const ITEM_LOCATIONS = 0x0a;

/** The longest tag and length before a row: a row has less than 16 KB. */
const LARGEST_HEAD = 3;
/** A row as a field is longer than its record by less than this: of an id come 36 characters instead of 16 bytes. */
const MORE_BYTES = 64;
const SMALLEST_RECORD = HEAD + 16 * VALUE;
const UUID_CHARACTERS = 36;

const HEX = Uint8Array.from({ length: 512 }, (_, index) => {
  const digit = index % 2 ? (index >> 1) & 15 : index >> 5;
  return '0123456789abcdef'.charCodeAt(digit);
});
const HYPHEN = 0x2d;

/**
 * Rows as fields 1 of an answer, encoded: what the generated code would make of `toItemLocation`, without making a string,
 * a number or a message of anything in them.
 *
 * @param records what `record_send` made of the rows' COLUMNS, one after the other
 */
export function encodeRecords(records: Buffer): Buffer[] {
  const target = Buffer.allocUnsafe(records.length + Math.ceil(records.length / SMALLEST_RECORD) * MORE_BYTES);
  const rows: Buffer[] = [];
  const cursor: Cursor = { records, target, from: 0, to: 0 };
  while (cursor.from < records.length) {
    const begin = cursor.to;
    // The row goes behind the longest head, and is moved to the end of the one that it has.
    const content = begin + LARGEST_HEAD;
    cursor.to = content;
    encodeRecord(cursor);
    const end = cursor.to;
    target[begin] = ITEM_LOCATIONS;
    cursor.to = begin + 1;
    writeVarint(cursor, end - content);
    if (cursor.to < content) target.copyWithin(cursor.to, content, end);
    cursor.to += end - content;
    rows.push(target.subarray(begin, cursor.to));
  }
  return rows;
}

/** The id of an encoded row's thing. */
export function gameItemIdOf(row: Buffer): string {
  // Behind the row's tag and length, which has one byte or two, and its own tag and length.
  const begin = (row[1]! > 127 ? 3 : 2) + 2;
  return row.toString('latin1', begin, begin + UUID_CHARACTERS);
}

/** Where is read in the records, and where is written in the target. */
type Cursor = { readonly records: Buffer; readonly target: Buffer; from: number; to: number };

function encodeRecord(cursor: Cursor): void {
  cursor.from += HEAD;
  uuid(cursor, TAGS.game_item_id);
  text(cursor, TAGS.item_id);
  text(cursor, TAGS.item_name);
  text(cursor, TAGS.item_kind);
  whole(cursor, TAGS.quantity);
  uuid(cursor, TAGS.owner_id);
  text(cursor, TAGS.owner_name);
  uuid(cursor, TAGS.location_id);
  text(cursor, TAGS.location_name);
  text(cursor, TAGS.area_code);
  position(cursor);
  whole(cursor, TAGS.version);
  whole(cursor, TAGS.source_version);
  time(cursor);
}

/** Steps to a column's value and answers its length; 0 for null, which is not told from a text that is empty. */
function column(cursor: Cursor): number {
  const length = cursor.records.readInt32BE(cursor.from + VALUE - 4);
  cursor.from += VALUE;
  return Math.max(0, length);
}

function text(cursor: Cursor, tag: number): void {
  const length = column(cursor);
  if (length === 0) return;
  cursor.target[cursor.to++] = tag;
  writeVarint(cursor, length);
  const { records, target, from, to } = cursor;
  // Short ones byte by byte: a call takes longer.
  if (length < 48) for (let index = 0; index < length; index += 1) target[to + index] = records[from + index]!;
  else records.copy(target, to, from, from + length);
  cursor.from += length;
  cursor.to += length;
}

function uuid(cursor: Cursor, tag: number): void {
  if (column(cursor) === 0) return;
  const { records, target, from } = cursor;
  let { to } = cursor;
  target[to++] = tag;
  target[to++] = UUID_CHARACTERS;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) target[to++] = HYPHEN;
    const two = records[from + index]! << 1;
    target[to++] = HEX[two]!;
    target[to++] = HEX[two + 1]!;
  }
  cursor.from = from + 16;
  cursor.to = to;
}

/** A whole number, not below zero; it is left out when it is zero. */
function whole(cursor: Cursor, tag: number): void {
  column(cursor);
  const high = cursor.records.readUInt32BE(cursor.from);
  const low = cursor.records.readUInt32BE(cursor.from + 4);
  cursor.from += 8;
  if (high === 0 && low === 0) return;
  cursor.target[cursor.to++] = tag;
  writeVarint(cursor, low, high);
}

function position(cursor: Cursor): void {
  const { target, to } = cursor;
  target[to] = POSITION;
  cursor.to = to + 2;
  double(cursor, TAGS.x);
  double(cursor, TAGS.y);
  double(cursor, TAGS.z);
  target[to + 1] = cursor.to - to - 2;
}

/** A double; it is left out when all its bits are zero. */
function double(cursor: Cursor, tag: number): void {
  column(cursor);
  const { records, target, from, to } = cursor;
  cursor.from = from + 8;
  if (records.readInt32BE(from) === 0 && records.readInt32BE(from + 4) === 0) return;
  target[to] = tag;
  for (let index = 0; index < 8; index += 1) target[to + 1 + index] = records[from + 7 - index]!;
  cursor.to = to + 9;
}

/** A time as a Timestamp, in whole milliseconds, as other answers tell it. */
function time(cursor: Cursor): void {
  column(cursor);
  const high = cursor.records.readInt32BE(cursor.from);
  const low = cursor.records.readUInt32BE(cursor.from + 4);
  cursor.from += 8;
  const { target, to } = cursor;
  target[to] = TAGS.updated_at;
  cursor.to = to + 2;
  // 2^32 is 4,294,967 thousands and 296: the microseconds themselves may be beyond 2^53.
  const ms = high * 4_294_967 + Math.floor((high * 296 + low) / 1_000);
  const seconds = Math.floor(ms / 1_000);
  const nanos = (ms - seconds * 1_000) * 1e6;
  target[cursor.to++] = SECONDS;
  writeVarint(cursor, seconds + YEAR_2000);
  if (nanos > 0) {
    target[cursor.to++] = NANOS;
    writeVarint(cursor, nanos);
  }
  target[to + 1] = cursor.to - to - 2;
}

/** Writes 64 bits by 7, the low ones first. @param low below 2^53 when `high` is 0 */
function writeVarint(cursor: Cursor, low: number, high = 0): void {
  const { target } = cursor;
  let [rest, above] = [low, high];
  while (above > 0) {
    target[cursor.to++] = (rest & 127) | 128;
    rest = (rest >>> 7) + (above & 127) * 2 ** 25;
    above >>>= 7;
  }
  for (; rest > 127; rest = Math.floor(rest / 128)) target[cursor.to++] = (rest % 128) | 128;
  target[cursor.to++] = rest;
}
