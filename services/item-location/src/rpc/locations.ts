import { create } from '@bufbuild/protobuf';
import { implement } from '@realmkeep/kit/server/implementation';
import {
  CreateLocationResponseSchema,
  GetLocationResponseSchema,
  LocationService,
  UpdateLocationResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { DEFAULT_PAGE_SIZE } from '../listing.ts';
import { toLocation, toLocationChange } from '../location.ts';
import type { Locations } from '../service/locations.ts';
import { tell } from '../telling.ts';

export function locationRpcs(locations: Locations) {
  return implement(LocationService, {
    async createLocation(request, context) {
      const { name, areaCode } = request;
      const location = await locations.createLocation({ locationId: request.locationId.toLowerCase(), name, areaCode });
      tell(context, { source: 'primary', version: location.version });
      return create(CreateLocationResponseSchema, { location: toLocation(location) });
    },

    async updateLocation(request, context) {
      const { expectedVersion } = request;
      const change = toLocationChange(request);
      const location = await locations.updateLocation(request.locationId.toLowerCase(), change, expectedVersion);
      tell(context, { source: 'primary', version: location.version });
      return create(UpdateLocationResponseSchema, { location: toLocation(location) });
    },

    async getLocation(request, context) {
      const { location, source } = await locations.getLocation(request.locationId.toLowerCase());
      tell(context, { source, version: location.version });
      return create(GetLocationResponseSchema, { location: toLocation(location) });
    },

    async listLocations(request, context) {
      const pageSize = request.pageSize || DEFAULT_PAGE_SIZE;
      const page = await locations.listLocations(request.areaCode, pageSize, request.pageToken);
      tell(context, page);
      return page.bytes;
    },
  });
}
