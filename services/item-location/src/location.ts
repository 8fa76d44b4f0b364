import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Location as LocationMessage, LocationSchema } from '@realmkeep/proto/realmkeep/item_location/v1/location';
import type { UpdateLocationRequest } from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import type { Location } from './generated/prisma/client.ts';

export type { Location };

/** What a location is made with. */
export type LocationContent = Pick<Location, 'name' | 'areaCode'>;

/** What a request changes of a location: the fields that it has. */
export function toLocationChange({ name, areaCode }: UpdateLocationRequest): Partial<LocationContent> {
  return { ...(name !== undefined && { name }), ...(areaCode !== undefined && { areaCode }) };
}

export function isSameLocation(one: LocationContent, other: LocationContent): boolean {
  return one.name === other.name && one.areaCode === other.areaCode;
}

/** What is kept of a location when it is changed for the first time. */
export function firstContent({ name, areaCode }: LocationContent): LocationContent {
  return { name, areaCode };
}

/** The location as it was created. */
export function asCreated(location: Location): Location {
  if (location.firstContent === null) return location;
  return { ...location, ...(location.firstContent as LocationContent), version: 1n };
}

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
