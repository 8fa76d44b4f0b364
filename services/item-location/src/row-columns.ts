import type { ItemLocationRow } from './item-location.ts';

/** The columns of an ItemLocationRow with their types, in one order. */
export const COLUMNS = {
  game_item_id: 'uuid',
  item_id: 'text',
  item_name: 'text',
  item_kind: 'text',
  quantity: 'bigint',
  owner_id: 'uuid',
  owner_name: 'text',
  location_id: 'uuid',
  location_name: 'text',
  area_code: 'text',
  x: 'double precision',
  y: 'double precision',
  z: 'double precision',
  version: 'bigint',
  source_version: 'bigint',
  updated_at: 'timestamptz',
} as const satisfies Record<keyof ItemLocationRow, string>;

/** Their names. */
export const NAMES = Object.keys(COLUMNS).join(', ');

/** As many nulls of the columns' types. */
export const NOTHING = Object.values(COLUMNS)
  .map((type) => `null::${type}`)
  .join(', ');

/** The columns of the table by its alias. */
export function namesOf(alias: string): string {
  return NAMES.replaceAll(/\w+/g, `${alias}.$&`);
}

/**
 * The rows of a query of NAMES as one value, in the order in which the query gives them: what `encodeRecords` takes. It
 * costs a fifth of what the driver takes to read as many values, and Postgres no more than writing them as text.
 */
export function recordsOf(query: string): string {
  return `(select string_agg(record_send(page), '') from (${query}) as page)`;
}
