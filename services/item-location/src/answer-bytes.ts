import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  ListItemLocationsResponseSchema,
  NearbyItemLocationsResponseSchema,
  SearchItemLocationsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { type ItemLocationRow, toItemLocation } from './item-location.ts';
import { rowsBytes } from './row-bytes.ts';

/** The encoded ListItemLocationsResponse of a page. */
export function pageBytes(page: {
  rows: ItemLocationRow[];
  nextPageToken: string;
  previousPageToken: string;
  asOf: Date;
}): Uint8Array {
  const { nextPageToken, previousPageToken } = page;
  const asOf = timestampFromDate(page.asOf);
  const rest = create(ListItemLocationsResponseSchema, { nextPageToken, previousPageToken, asOf });
  // Encoded messages one after the other are one message.
  return Buffer.concat([rowsBytes(page.rows), toBinary(ListItemLocationsResponseSchema, rest)]);
}

/** The encoded SearchItemLocationsResponse. */
export function searchBytes(found: { rows: ItemLocationRow[]; similarLeftOut: boolean; asOf: Date }): Uint8Array {
  const answer = create(SearchItemLocationsResponseSchema, {
    itemLocations: found.rows.map(toItemLocation),
    similarLeftOut: found.similarLeftOut,
    asOf: timestampFromDate(found.asOf),
  });
  return toBinary(SearchItemLocationsResponseSchema, answer);
}

/** The encoded NearbyItemLocationsResponse. */
export function nearbyBytes(found: { rows: (ItemLocationRow & { distance: number })[]; asOf: Date }): Uint8Array {
  const answer = create(NearbyItemLocationsResponseSchema, {
    nearby: found.rows.map((row) => ({ itemLocation: toItemLocation(row), distance: row.distance })),
    asOf: timestampFromDate(found.asOf),
  });
  return toBinary(NearbyItemLocationsResponseSchema, answer);
}
