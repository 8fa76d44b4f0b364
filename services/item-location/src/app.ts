import { openFoundation } from '@realmkeep/kit/app/foundation';
import { type Service as App, startService } from '@realmkeep/kit/app/service';
import { followMarkers } from '@realmkeep/kit/cache/markers';
import { createClient } from '@realmkeep/kit/client/client';
import { untilMigrated } from '@realmkeep/kit/postgres/migrated';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { createListingCache } from './cache/listings.ts';
import { createQueryCache } from './cache/queries.ts';
import { startMoveChores, startRenames } from './chores.ts';
import type { Config } from './config.ts';
import { createFollowMetrics } from './follow-metrics.ts';
import { startFollowedAge } from './followed-age.ts';
import { startFollower } from './follower.ts';
import { MIGRATIONS } from './migrations.ts';
import { createRenameMetrics } from './rename-metrics.ts';
import { findListingVersions } from './repository/first-pages.ts';
import { followedAsOf } from './repository/following.ts';
import { locationRpcs } from './rpc/locations.ts';
import { itemLocationRpcs, playerItemLocationRpcs } from './rpc.ts';
import { createLocations } from './service/locations.ts';
import { createPages } from './service/pages.ts';
import { createService } from './service.ts';
import { startWatches } from './watches.ts';

/** Starts the service: it follows player-state, and answers calls once its database is migrated. */
export async function startApp(config: Config): Promise<App> {
  const foundation = await openFoundation({ name: 'item-location', config });
  const { logger, postgres, redis, pageTokens, serviceTokens, telemetry } = foundation;
  try {
    await untilMigrated(postgres, MIGRATIONS, logger);

    const pages = createPages({ postgres, pageTokens });
    const markers = followMarkers({ name: foundation.name, redis, logger });
    foundation.onClose(() => markers.close());
    const listings = createListingCache({
      postgres,
      find: pages.first,
      versions: findListingVersions,
      redis,
      markers,
      l1: { maxBytes: config.CACHE_L1_MAX_BYTES, ttlMs: config.CACHE_L1_TTL_MS },
      l2: { ttlMs: config.CACHE_L2_TTL_MS },
      meter: telemetry.meter,
      logger,
    });
    foundation.onClose(() => listings.close());
    const queries = createQueryCache({
      run: pages.run,
      redis,
      markers,
      l1: { maxBytes: config.CACHE_L1_MAX_BYTES / 4, ttlMs: config.CACHE_QUERY_TTL_MS },
      l2: { ttlMs: config.CACHE_QUERY_TTL_MS },
      meter: telemetry.meter,
      logger,
    });
    foundation.onClose(() => queries.close());

    const source = createClient(ItemEventService, { address: config.PLAYER_STATE_ADDRESS, serviceTokens });
    foundation.onClose(() => source.close());
    const follower = startFollower({
      source,
      postgres,
      listings,
      metrics: createFollowMetrics(telemetry.meter),
      logger,
    });
    foundation.onClose(() => follower.stop());
    const followed = await startFollowedAge({ postgres, find: followedAsOf, logger });
    foundation.onClose(() => followed.stop());
    const renames = startRenames({ postgres, listings, metrics: createRenameMetrics(telemetry.meter), logger });
    foundation.onClose(() => renames.stop());
    const moves = startMoveChores({
      postgres,
      listings,
      withinMs: config.CACHE_L2_TTL_MS,
      retentionDays: config.REQUEST_RETENTION_DAYS,
      logger,
    });
    foundation.onClose(() => moves.stop());

    const watches = startWatches({
      listings,
      postgres,
      meter: telemetry.meter,
      logger,
      heartbeatMs: config.WATCH_HEARTBEAT_MS,
    });
    foundation.onClose(() => watches.close());

    const service = createService({ postgres, pages, listings, queries, watches });
    return await startService(foundation, [
      itemLocationRpcs(service, followed),
      locationRpcs(createLocations({ postgres, pageTokens })),
      playerItemLocationRpcs(service),
    ]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
