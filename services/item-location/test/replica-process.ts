import { followMarkers } from '@realmkeep/kit/cache/markers';
import { createLogger } from '@realmkeep/kit/log/logger';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { createPostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { createRedis } from '@realmkeep/kit/redis/cluster';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { stores, type TestDatabase } from '@realmkeep/testkit/stores';
import { createListingCache } from '../src/cache/listings.ts';
import { createQueryCache } from '../src/cache/queries.ts';
import { findListingVersions } from '../src/repository/first-pages.ts';
import { createPages } from '../src/service/pages.ts';
import { createService } from '../src/service.ts';
import { startWatches } from '../src/watches.ts';

const logger = createLogger({ name: 'item-location', level: 'silent' });
// Longer than any test: nothing but the news of a change replaces what is cached.
const TTL_MS = 600_000;

/** What one replica of the service reads and writes with, its caches and connections its own. */
export async function openReplicaProcess(database: TestDatabase, { meter }: Pick<Telemetry, 'meter'>) {
  const { valkey } = await stores();
  const urls = [database.primaryUrl, ...database.replicaUrls];
  const postgres = createPostgresNodes({ name: 'item-location', urls, logger, meter });
  await postgres.measured();
  const redis = createRedis({ nodes: valkey.nodes, password: valkey.password, logger });
  const markers = followMarkers({ name: 'item-location', redis, logger });
  const pages = createPages({ postgres, pageTokens: createPageTokens({ key: 'ab'.repeat(32) }) });
  const levels = {
    redis,
    markers,
    l1: { maxBytes: 1e7, ttlMs: TTL_MS },
    l2: { ttlMs: TTL_MS, waitMs: 2_000 },
    meter,
    logger,
  };
  const listings = createListingCache({ postgres, find: pages.first, versions: findListingVersions, ...levels });
  const queries = createQueryCache({ run: pages.run, ...levels });
  const watches = startWatches({ listings, postgres, meter, logger, heartbeatMs: 500 });
  return {
    watches,
    postgres,
    listings,
    queries,
    markers,
    /** What its caches are made with. */
    levels,
    service: createService({ postgres, pages, listings, queries, watches }),
    async close() {
      await watches.close();
      listings.close();
      queries.close();
      markers.close();
      redis.disconnect();
      await postgres.close();
    },
  };
}
