import { openFoundation } from '@realmkeep/kit/app/foundation';
import { type Service as App, startService } from '@realmkeep/kit/app/service';
import { createClient } from '@realmkeep/kit/client/client';
import { waitForSchema } from '@realmkeep/kit/postgres/migrate';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { startRenames } from './chores.ts';
import type { Config } from './config.ts';
import { createFollowMetrics } from './follow-metrics.ts';
import { startFollower } from './follower.ts';
import { MIGRATIONS } from './migrations.ts';
import { createRenameMetrics } from './rename-metrics.ts';
import { locationRpcs } from './rpc/locations.ts';
import { itemLocationRpcs, playerItemLocationRpcs } from './rpc.ts';
import { createLocations } from './service/locations.ts';
import { createService } from './service.ts';

/** Starts the service: it follows player-state, and answers calls once its database is migrated. */
export async function startApp(config: Config): Promise<App> {
  const foundation = await openFoundation({ name: 'item-location', config });
  const { logger, postgres, pageTokens, serviceTokens, telemetry } = foundation;
  try {
    await postgres.read(({ pool }) => waitForSchema(pool, MIGRATIONS, { logger }));

    const source = createClient(ItemEventService, { address: config.PLAYER_STATE_ADDRESS, serviceTokens });
    foundation.onClose(() => source.close());
    const follower = startFollower({ source, postgres, metrics: createFollowMetrics(telemetry.meter), logger });
    foundation.onClose(() => follower.stop());
    const renames = startRenames({ postgres, metrics: createRenameMetrics(telemetry.meter), logger });
    foundation.onClose(() => renames.stop());

    const service = createService({ postgres, pageTokens });
    return await startService(foundation, [
      itemLocationRpcs(service),
      locationRpcs(createLocations({ postgres, pageTokens })),
      playerItemLocationRpcs(service),
    ]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
