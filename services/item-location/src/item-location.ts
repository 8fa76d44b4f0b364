import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type ItemLocation, ItemLocationSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location';

/** One row of a thing, as a query or a stored answer gives it: 64-bit numbers are text. */
export type ItemLocationRow = {
  game_item_id: string;
  item_id: string;
  item_name: string;
  item_kind: string;
  quantity: string;
  owner_id: string;
  owner_name: string;
  location_id: string | null;
  location_name: string;
  area_code: string;
  x: number;
  y: number;
  z: number;
  version: string;
  source_version: string;
  /** Text in stored answers. */
  updated_at: Date | string;
};

/** A row as callers see it. */
export function toItemLocation(row: ItemLocationRow): ItemLocation {
  return create(ItemLocationSchema, {
    gameItemId: row.game_item_id,
    itemId: row.item_id,
    itemName: row.item_name,
    itemKind: row.item_kind,
    quantity: BigInt(row.quantity),
    ownerId: row.owner_id,
    ownerName: row.owner_name,
    locationId: row.location_id ?? '',
    locationName: row.location_name,
    areaCode: row.area_code,
    position: { x: row.x, y: row.y, z: row.z },
    version: BigInt(row.version),
    sourceVersion: BigInt(row.source_version),
    updateTime: timestampFromDate(new Date(row.updated_at)),
  });
}
