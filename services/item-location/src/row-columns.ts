import type { ItemLocationRow } from './item-location.ts';

const COLUMNS = {
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

/** The columns of an ItemLocationRow, in one order. */
export const NAMES = Object.keys(COLUMNS).join(', ');

/** As many nulls of the columns' types. */
export const NOTHING = Object.values(COLUMNS)
  .map((type) => `null::${type}`)
  .join(', ');

/** The columns of the table by its alias. */
export function namesOf(alias: string): string {
  return NAMES.replaceAll(/\w+/g, `${alias}.$&`);
}
