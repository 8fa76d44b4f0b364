import { type Client, createClient } from '@connectrpc/connect';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { ItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import { LocationService } from '@realmkeep/proto/realmkeep/item_location/v1/location_service';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { createTransport } from '../call/transport.ts';
import { createRest, type Rest } from './rest.ts';

/** One party of the evening, as it reaches the realm: by REST, and by gRPC or, `web`, by gRPC-Web. */
export type Party = {
  rest: Rest;
  players: Client<typeof PlayerStateService>;
  catalog: Client<typeof ItemCatalogService>;
  things: Client<typeof ItemLocationService>;
  locations: Client<typeof LocationService>;
  stats: Client<typeof AreaStatsService>;
  close: () => void;
};

/** Connects a party with its token, or as one that has none. `close` when it leaves. */
export function connectParty({
  address,
  token,
  web,
}: {
  address: string;
  token: string | undefined;
  web: boolean;
}): Party {
  const { transport, close } = createTransport({ address, token, web });
  return {
    rest: createRest({ address, token }),
    players: createClient(PlayerStateService, transport),
    catalog: createClient(ItemCatalogService, transport),
    things: createClient(ItemLocationService, transport),
    locations: createClient(LocationService, transport),
    stats: createClient(AreaStatsService, transport),
    close,
  };
}
