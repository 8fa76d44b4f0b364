import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type CallContext, implement } from '@realmkeep/kit/server/implementation';
import {
  BatchGetItemLocationsResponseSchema,
  GetItemLocationResponseSchema,
  ItemLocationService,
  ListItemLocationsResponseSchema,
  MoveItemsResponseSchema,
  NearbyItemLocationsResponseSchema,
  SearchItemLocationsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import {
  CreateLocationResponseSchema,
  GetLocationResponseSchema,
  ListLocationsResponseSchema,
  LocationService,
} from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import {
  GetPlayerItemLocationsResponseSchema,
  PlayerItemLocationService,
} from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { toItemLocation } from './item-location.ts';
import { DEFAULT_PAGE_SIZE, listingOf } from './listing.ts';
import { toLocation } from './location.ts';
import { movesOf } from './move-request.ts';
import type { Service } from './service.ts';

/** Tells where an answer came from, how old it is, and the version of what it shows. */
function tell(
  context: CallContext,
  { source, asOf, version }: { source: string; asOf?: Date; version?: bigint | string },
) {
  context.header('realmkeep-source', source);
  if (asOf) context.header('realmkeep-age-ms', `${Math.max(0, Date.now() - asOf.getTime())}`);
  if (version !== undefined) context.header('realmkeep-version', `${version}`);
}

export function itemLocationRpcs(service: Service) {
  return implement(ItemLocationService, {
    async getItemLocation(request, context) {
      const { row, asOf, source } = await service.getItemLocation(context.caller, request.gameItemId.toLowerCase());
      tell(context, { source, asOf, version: row.version });
      return create(GetItemLocationResponseSchema, {
        itemLocation: toItemLocation(row),
        asOf: timestampFromDate(asOf),
      });
    },

    async batchGetItemLocations(request, context) {
      const ids = request.gameItemIds.map((id) => id.toLowerCase());
      const found = await service.getItemLocations(context.caller, ids);
      tell(context, found);
      return create(BatchGetItemLocationsResponseSchema, {
        itemLocations: found.rows.map(toItemLocation),
        missingGameItemIds: found.missing,
        asOf: timestampFromDate(found.asOf),
      });
    },

    async searchItemLocations(request, context) {
      const found = await service.searchItemLocations(request.query, request.pageSize || DEFAULT_PAGE_SIZE);
      tell(context, found);
      return create(SearchItemLocationsResponseSchema, {
        itemLocations: found.rows.map(toItemLocation),
        similarLeftOut: found.similarLeftOut,
        asOf: timestampFromDate(found.asOf),
      });
    },

    async nearbyItemLocations({ areaCode, x, y, z, maxDistance, pageSize }, context) {
      const limit = pageSize || DEFAULT_PAGE_SIZE;
      const found = await service.nearbyItemLocations({ areaCode, point: [x, y, z], maxDistance, limit });
      tell(context, found);
      return create(NearbyItemLocationsResponseSchema, {
        nearby: found.rows.map((row) => ({ itemLocation: toItemLocation(row), distance: row.distance })),
        asOf: timestampFromDate(found.asOf),
      });
    },

    async listItemLocations(request, context) {
      const page = await service.listItemLocations(context.caller, listingOf(request), request.pageToken);
      tell(context, page);
      return create(ListItemLocationsResponseSchema, {
        itemLocations: page.rows.map(toItemLocation),
        nextPageToken: page.nextPageToken,
        previousPageToken: page.previousPageToken,
        asOf: timestampFromDate(page.asOf),
      });
    },

    async moveItems(request, context) {
      const answer = await service.moveItems(context.caller, request.requestId.toLowerCase(), movesOf(request));
      tell(context, { source: 'primary' });
      return create(MoveItemsResponseSchema, {
        itemLocations: answer.item_locations.map(toItemLocation),
        replayed: answer.replayed,
      });
    },
  });
}

export function locationRpcs(service: Service) {
  return implement(LocationService, {
    async createLocation(request, context) {
      const { name, areaCode } = request;
      const location = await service.createLocation({ locationId: request.locationId.toLowerCase(), name, areaCode });
      tell(context, { source: 'primary', version: location.version });
      return create(CreateLocationResponseSchema, { location: toLocation(location) });
    },

    async getLocation(request, context) {
      const { location, source } = await service.getLocation(request.locationId.toLowerCase());
      tell(context, { source, version: location.version });
      return create(GetLocationResponseSchema, { location: toLocation(location) });
    },

    async listLocations(request, context) {
      const pageSize = request.pageSize || DEFAULT_PAGE_SIZE;
      const page = await service.listLocations(request.areaCode, pageSize, request.pageToken);
      tell(context, page);
      return create(ListLocationsResponseSchema, {
        locations: page.locations.map(toLocation),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}

export function playerItemLocationRpcs(service: Service) {
  return implement(PlayerItemLocationService, {
    async getPlayerItemLocations(request, context) {
      const { playerId, minPosition } = request;
      const things = await service.getPlayerItemLocations(playerId.toLowerCase(), minPosition, context.signal);
      tell(context, things);
      return create(GetPlayerItemLocationsResponseSchema, {
        itemLocations: things.rows.map(toItemLocation),
        version: things.version,
        asOf: timestampFromDate(things.asOf),
      });
    },
  });
}
