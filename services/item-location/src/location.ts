import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Location as LocationMessage, LocationSchema } from '@realmkeep/proto/realmkeep/item_location/v1/location';
import type { Location } from './generated/prisma/client.ts';

/** A location as callers see it. */
export function toLocation(location: Location): LocationMessage {
  return create(LocationSchema, {
    locationId: location.locationId,
    name: location.name,
    areaCode: location.areaCode,
    version: location.version,
    createTime: timestampFromDate(location.createdAt),
  });
}
