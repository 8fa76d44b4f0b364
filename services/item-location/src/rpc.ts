import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { implement } from '@realmkeep/kit/server/implementation';
import {
  BatchGetItemLocationsResponseSchema,
  GetItemLocationResponseSchema,
  ItemLocationService,
  MoveItemsResponseSchema,
} from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { playerBytes } from './answer-bytes.ts';
import type { ListingId } from './first-page.ts';
import type { FollowedAge } from './followed-age.ts';
import { toItemLocation } from './item-location.ts';
import { DEFAULT_PAGE_SIZE, listingOf } from './listing.ts';
import { movesOf } from './move-request.ts';
import type { Service } from './service.ts';
import { tell, tellAge, tellFollowedAge } from './telling.ts';

export function itemLocationRpcs(service: Service, followed: Pick<FollowedAge, 'ms'>) {
  return implement(ItemLocationService, {
    async getItemLocation(request, context) {
      const { row, asOf, source } = await service.getItemLocation(context.caller, request.gameItemId.toLowerCase());
      tell(context, { source, asOf, version: row.version });
      tellFollowedAge(context, followed);
      return create(GetItemLocationResponseSchema, {
        itemLocation: toItemLocation(row),
        asOf: timestampFromDate(asOf),
      });
    },

    async batchGetItemLocations(request, context) {
      const ids = request.gameItemIds.map((id) => id.toLowerCase());
      const found = await service.getItemLocations(context.caller, ids);
      tell(context, found);
      tellFollowedAge(context, followed);
      return create(BatchGetItemLocationsResponseSchema, {
        itemLocations: found.rows.map(toItemLocation),
        missingGameItemIds: found.missing,
        asOf: timestampFromDate(found.asOf),
      });
    },

    async searchItemLocations(request, context) {
      const found = await service.searchItemLocations(request.query, request.pageSize || DEFAULT_PAGE_SIZE);
      tellAge(context, found);
      tellFollowedAge(context, followed);
      return found.bytes;
    },

    async nearbyItemLocations({ areaCode, x, y, z, maxDistance, pageSize }, context) {
      const limit = pageSize || DEFAULT_PAGE_SIZE;
      const found = await service.nearbyItemLocations({ areaCode, point: [x, y, z], maxDistance, limit });
      tellAge(context, found);
      tellFollowedAge(context, followed);
      return found.bytes;
    },

    async listItemLocations(request, context) {
      const read = service.listItemLocations(context.caller, listingOf(request), request.pageToken);
      const page = read instanceof Promise ? await read : read;
      tellAge(context, page);
      tellFollowedAge(context, followed);
      return page.bytes;
    },

    watchItemLocations({ playerId, locationId, fromVersion }, context) {
      const listing: ListingId = playerId
        ? { by: 'owner', id: playerId.toLowerCase() }
        : { by: 'location', id: locationId.toLowerCase() };
      return service.watchItemLocations(context.caller, listing, fromVersion);
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

export function playerItemLocationRpcs(service: Service) {
  return implement(PlayerItemLocationService, {
    async getPlayerItemLocations(request, context) {
      const { playerId, minPosition } = request;
      const things = await service.getPlayerItemLocations(playerId.toLowerCase(), minPosition, context.signal);
      tell(context, things);
      return playerBytes(things);
    },
  });
}
