import { openFoundation } from '@realmkeep/kit/app/foundation';
import { type Service as App, startService } from '@realmkeep/kit/app/service';
import { createClient } from '@realmkeep/kit/client/client';
import { waitForSchema } from '@realmkeep/kit/postgres/migrate';
import { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import { startChores } from './chores.ts';
import type { Config } from './config.ts';
import { MIGRATIONS } from './migrations.ts';
import { itemCatalogRpcs, itemEventRpcs, playerStateRpcs } from './rpc.ts';
import { createService } from './service.ts';

/** Starts the service, which answers calls once its database is migrated. */
export async function startApp(config: Config): Promise<App> {
  const foundation = await openFoundation({ name: 'player-state', config });
  const { logger, postgres, pageTokens, serviceTokens } = foundation;
  try {
    await postgres.read(({ pool }) => waitForSchema(pool, MIGRATIONS, { logger }));

    const itemLocations = createClient(PlayerItemLocationService, {
      address: config.ITEM_LOCATION_ADDRESS,
      serviceTokens,
    });
    foundation.onClose(() => itemLocations.close());
    const chores = startChores({
      postgres,
      requestRetentionDays: config.REQUEST_RETENTION_DAYS,
      outboxRetentionDays: config.OUTBOX_RETENTION_DAYS,
      logger,
    });
    foundation.onClose(() => chores.stop());

    const service = createService({ postgres, pageTokens, itemLocations, inventoryLimit: config.INVENTORY_LIMIT });
    return await startService(foundation, [playerStateRpcs(service), itemCatalogRpcs(service), itemEventRpcs(service)]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
