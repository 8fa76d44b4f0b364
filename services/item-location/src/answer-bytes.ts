import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  ListItemLocationsResponseSchema,
  NearbyItemLocationsResponseSchema,
  SearchItemLocationsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { ListLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { GetPlayerItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { type ItemLocationRow, toItemLocation } from './item-location.ts';
import { fitting } from './listing.ts';
import { type Location, toLocation } from './location.ts';

/** The encoded ListItemLocationsResponse of a page. @param page.rows encoded ones */
export function pageBytes(page: {
  rows: Buffer[];
  nextPageToken: string;
  previousPageToken: string;
  asOf: Date;
}): Uint8Array {
  const { nextPageToken, previousPageToken } = page;
  const asOf = timestampFromDate(page.asOf);
  const rest = create(ListItemLocationsResponseSchema, { nextPageToken, previousPageToken, asOf });
  // Encoded messages one after the other are one message.
  return Buffer.concat([...page.rows, toBinary(ListItemLocationsResponseSchema, rest)]);
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

/** The encoded NearbyItemLocationsResponse, of as many of the rows as fit. */
export function nearbyBytes(found: { rows: (ItemLocationRow & { distance: number })[]; asOf: Date }): Uint8Array {
  const rows = found.rows.map((row) => {
    const nearby = [{ itemLocation: toItemLocation(row), distance: row.distance }];
    return toBinary(NearbyItemLocationsResponseSchema, create(NearbyItemLocationsResponseSchema, { nearby }));
  });
  const rest = create(NearbyItemLocationsResponseSchema, { asOf: timestampFromDate(found.asOf) });
  const end = fitting(rows, rows.length);
  return Buffer.concat([...rows.slice(0, end), toBinary(NearbyItemLocationsResponseSchema, rest)]);
}

/** The encoded GetPlayerItemLocationsResponse, of as many of the rows as fit; it says whether these are all. */
export function playerBytes(found: { rows: ItemLocationRow[]; version: bigint; asOf: Date }): Uint8Array {
  const { version } = found;
  const rows = found.rows.map((row) => {
    const itemLocations = [toItemLocation(row)];
    return toBinary(
      GetPlayerItemLocationsResponseSchema,
      create(GetPlayerItemLocationsResponseSchema, { itemLocations }),
    );
  });
  const end = fitting(rows, rows.length);
  const rest = create(GetPlayerItemLocationsResponseSchema, {
    version,
    asOf: timestampFromDate(found.asOf),
    truncated: end < rows.length,
  });
  return Buffer.concat([...rows.slice(0, end), toBinary(GetPlayerItemLocationsResponseSchema, rest)]);
}

/** A location as a row of a ListLocationsResponse, encoded. */
export function locationRow(location: Location): Uint8Array {
  const locations = [toLocation(location)];
  return toBinary(ListLocationsResponseSchema, create(ListLocationsResponseSchema, { locations }));
}

/** The encoded ListLocationsResponse of a page. @param rows encoded ones */
export function locationsBytes(rows: Uint8Array[], nextPageToken: string): Uint8Array {
  return Buffer.concat([
    ...rows,
    toBinary(ListLocationsResponseSchema, create(ListLocationsResponseSchema, { nextPageToken })),
  ]);
}
