import { openFoundation } from '@realmkeep/kit/app/foundation';
import { type Service as App, startService } from '@realmkeep/kit/app/service';
import { followMarkers } from '@realmkeep/kit/cache/markers';
import { createClient } from '@realmkeep/kit/client/client';
import { untilMigrated } from '@realmkeep/kit/postgres/migrated';
import { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { createPresenceCache } from './cache/presence.ts';
import { createStateCache } from './cache.ts';
import { startSessionChores } from './chores/sessions.ts';
import { redoWrites } from './chores/states.ts';
import { startChores } from './chores.ts';
import type { Config } from './config.ts';
import { createRenewal } from './delivery/renewal.ts';
import { startDelivery } from './delivery.ts';
import { createDeliveryMetrics } from './delivery-metrics.ts';
import { createHeartbeats } from './heartbeats.ts';
import { MIGRATIONS } from './migrations.ts';
import { findPlayerStates } from './repository/players.ts';
import { findLastSessions } from './repository/sessions.ts';
import { sessionRpcs } from './rpc/sessions.ts';
import { itemCatalogRpcs, itemEventRpcs, playerStateRpcs } from './rpc.ts';
import { createSessions } from './service/sessions.ts';
import { createTransactions } from './service/transactions.ts';
import { createService } from './service.ts';
import { startWatches } from './watches.ts';

/** How old what is told of a player's activity may be: about as long as heartbeats take to be saved. */
const PRESENCE_L1_TTL_MS = 1_000;
const PRESENCE_L2_TTL_MS = 5_000;

/** Starts the service, which answers calls once its database is migrated. */
export async function startApp(config: Config): Promise<App> {
  const foundation = await openFoundation({ name: 'player-state', config });
  const { logger, postgres, redis, pageTokens, serviceTokens, telemetry } = foundation;
  try {
    await untilMigrated(postgres, MIGRATIONS, logger);

    const itemLocations = createClient(PlayerItemLocationService, {
      address: config.ITEM_LOCATION_ADDRESS,
      serviceTokens,
    });
    foundation.onClose(() => itemLocations.close());
    const chores = startChores({
      postgres,
      requestRetentionDays: config.REQUEST_RETENTION_DAYS,
      outboxRetentionDays: config.OUTBOX_RETENTION_DAYS,
      sessionRetentionDays: config.SESSION_RETENTION_DAYS,
      logger,
    });
    foundation.onClose(() => chores.stop());

    const areaStats = createClient(AreaStatsService, { address: config.AREA_STATS_ADDRESS, serviceTokens });
    foundation.onClose(() => areaStats.close());
    const delivery = startDelivery({
      postgres,
      areaStats,
      renewal: createRenewal({ postgres, areaStats, everyMs: config.PRESENCE_RENEW_SECONDS * 1_000, logger }),
      metrics: createDeliveryMetrics(telemetry.meter),
      logger,
    });
    foundation.onClose(() => delivery.stop());

    const leaseMs = config.SESSION_LEASE_SECONDS * 1_000;
    const heartbeats = createHeartbeats({ leaseMs });
    const everyMs = config.HEARTBEAT_SAVE_MS;
    const sessionChores = startSessionChores({ postgres, heartbeats, leaseMs, everyMs, logger });
    foundation.onClose(() => sessionChores.stop());

    const markers = followMarkers({ name: foundation.name, redis, logger });
    foundation.onClose(() => markers.close());
    const presences = createPresenceCache({
      postgres,
      find: findLastSessions,
      redis,
      markers,
      l1: { maxBytes: config.CACHE_L1_MAX_BYTES / 8, ttlMs: PRESENCE_L1_TTL_MS },
      l2: { ttlMs: PRESENCE_L2_TTL_MS },
      meter: telemetry.meter,
      logger,
    });
    foundation.onClose(() => presences.close());
    const sessions = createSessions({ postgres, heartbeats, presences, leaseMs });

    const states = createStateCache({
      postgres,
      find: findPlayerStates,
      redis,
      markers,
      l1: { maxBytes: config.CACHE_L1_MAX_BYTES, ttlMs: config.CACHE_L1_TTL_MS },
      l2: { ttlMs: config.CACHE_L2_TTL_MS },
      meter: telemetry.meter,
      logger,
    });
    foundation.onClose(() => states.close());
    const redone = redoWrites({ postgres, states, withinMs: config.CACHE_L2_TTL_MS, logger });
    foundation.onClose(() => redone.stop());

    const watches = startWatches({
      states,
      postgres,
      meter: telemetry.meter,
      logger,
      heartbeatMs: config.WATCH_HEARTBEAT_MS,
    });
    foundation.onClose(() => watches.close());

    const transactions = createTransactions({ postgres, states, watches, inventoryLimit: config.INVENTORY_LIMIT });
    const service = createService({ postgres, states, pageTokens, itemLocations, watches });
    return await startService(foundation, [
      playerStateRpcs(service, transactions, sessions),
      itemCatalogRpcs(service),
      itemEventRpcs(service),
      sessionRpcs(sessions),
    ]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
