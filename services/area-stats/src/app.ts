import { fileURLToPath } from 'node:url';
import { openFoundation } from '@realmkeep/kit/app/foundation';
import { type Service, startService } from '@realmkeep/kit/app/service';
import { waitForSchema } from '@realmkeep/kit/postgres/migrate';
import { createAnswers } from './answers.ts';
import { createCache } from './cache.ts';
import { choresOf } from './chores.ts';
import type { Config } from './config.ts';
import { startHousekeeping } from './housekeeping.ts';
import { createRecorder } from './recorder.ts';
import { createRepository } from './repository.ts';
import { createRpc } from './rpc.ts';
import { createListing } from './service/listing.ts';
import { type Counts, createReading } from './service/reading.ts';
import { createEventStream } from './service/stream.ts';
import { createService } from './service.ts';
import { startWatches } from './watches.ts';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));

// Areas whose last answer a process keeps.
const MOST_ANSWERS = 10_000;

/** Starts area-stats: it answers once the database has its schema. */
export async function startApp(config: Config): Promise<Service> {
  const foundation = await openFoundation({ name: 'area-stats', config });
  try {
    const { postgres, redis, pageTokens, telemetry, logger } = foundation;
    await postgres.read(({ pool }) => waitForSchema(pool, MIGRATIONS, { logger }));

    const limits = {
      maxLatenessSeconds: config.AREA_STATS_MAX_LATENESS_SECONDS,
      maxSkewSeconds: config.AREA_STATS_MAX_SKEW_SECONDS,
      leaseSeconds: config.AREA_STATS_LEASE_SECONDS,
    };
    const repository = createRepository({ postgres });
    const housekeeping = startHousekeeping({
      chores: choresOf({
        repository,
        limits,
        sweepSeconds: config.AREA_STATS_SWEEP_SECONDS,
        logDays: config.AREA_STATS_LOG_DAYS,
      }),
      logger,
    });
    foundation.onClose(housekeeping.stop);

    const recorder = createRecorder({ repository, limits, logger });
    const service = createService({ repository, recorder, leaseSeconds: limits.leaseSeconds });
    const ttlMs = config.AREA_STATS_TTL_SECONDS * 1_000;
    const answers = createAnswers<Counts>({ limit: MOST_ANSWERS, graceMs: ttlMs });
    const watches = startWatches({
      postgres,
      meter: telemetry.meter,
      logger,
      intervalMs: config.AREA_STATS_WATCH_INTERVAL_MS,
      heartbeatMs: config.WATCH_HEARTBEAT_MS,
    });
    foundation.onClose(watches.close);
    const reading = createReading({ repository, cache: createCache({ redis }), answers, ttlMs });
    const listing = createListing({ postgres, pageTokens });
    return await startService(foundation, [
      createRpc({ service, recordStream: createEventStream({ recorder }), reading, listing, watches }),
    ]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}
