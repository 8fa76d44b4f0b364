import { randomUUID } from 'node:crypto';
import { openFoundation } from '@realmkeep/kit/app/foundation';
import { redisSettings } from '@realmkeep/kit/app/redis-settings';
import { type Service, startService } from '@realmkeep/kit/app/service';
import type { Logger } from '@realmkeep/kit/log/logger';
import { untilMigrated } from '@realmkeep/kit/postgres/migrated';
import { createRedis } from '@realmkeep/kit/redis/cluster';
import { createAnswers } from './answers.ts';
import { createCache } from './cache.ts';
import { choresOf } from './chores.ts';
import type { Config } from './config.ts';
import { startConsumers } from './consumers.ts';
import { createEventQueue } from './event-queue/queue.ts';
import { createEventQueueMetrics } from './event-queue-metrics.ts';
import { startHousekeeping } from './housekeeping.ts';
import { startJobs } from './jobs.ts';
import { MIGRATIONS } from './migrations.ts';
import { createRecorder } from './recorder.ts';
import { parkEvents } from './repository/parked-events.ts';
import { createRepository } from './repository.ts';
import { createJobRpc } from './rpc/jobs.ts';
import { parkedEventRpcs } from './rpc/parked-events.ts';
import { createRpc } from './rpc.ts';
import { createJobs } from './service/jobs.ts';
import { createListing } from './service/listing.ts';
import { createParkedEvents } from './service/parked-events.ts';
import { type Counts, createReading } from './service/reading.ts';
import { createEventStream } from './service/stream.ts';
import { createService } from './service.ts';
import { startWatches } from './watches.ts';

// Areas whose last answer a process keeps.
const MOST_ANSWERS = 10_000;

/** Starts area-stats: it answers once the database has its schema. */
export async function startApp(config: Config): Promise<Service> {
  const foundation = await openFoundation({ name: 'area-stats', config });
  try {
    const { postgres, redis, pageTokens, telemetry, logger } = foundation;
    await untilMigrated(postgres, MIGRATIONS, logger);

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
        jobDays: config.AREA_STATS_JOB_DAYS,
      }),
      logger,
    });
    foundation.onClose(housekeeping.stop);

    const recorder = createRecorder({ repository, limits, logger });
    const queue = openEventQueue(config, logger);
    foundation.onClose(queue.close);
    const consumers = startConsumers({
      queue,
      record: recorder.recordPatiently,
      park: (parked) => postgres.write((primary) => parkEvents(primary, parked), { idempotent: true }),
      metrics: createEventQueueMetrics(telemetry.meter, queue),
      reclaimMs: config.AREA_STATS_QUEUE_RECLAIM_MS,
      logger,
    });
    foundation.onClose(consumers.stop);

    const service = createService({ repository, recorder, queue, limits });
    const parkedEvents = createParkedEvents({ postgres, recorder, pageTokens });
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
    const { enqueue, stop } = startJobs({ postgres, repository, limits, logger });
    foundation.onClose(stop);
    return await startService(foundation, [
      createRpc({ service, recordStream: createEventStream({ recorder }), reading, listing, watches }),
      createJobRpc({ jobs: createJobs({ postgres, enqueue }) }),
      parkedEventRpcs(parkedEvents),
    ]);
  } catch (fault) {
    await foundation.close();
    throw fault;
  }
}

// What commands of consumers may take: batches of hundreds of entries, on a busy server.
const CONSUMING_TIMEOUT_MS = 2_000;

/** The queue with two clients of its own: while one waits for copies of what was appended, the other goes on. */
function openEventQueue(config: Config, logger: Logger) {
  const connection = { ...redisSettings(config), logger };
  const waitMs = config.AREA_STATS_QUEUE_WAIT_MS;
  return createEventQueue({
    clients: {
      appending: createRedis({ ...connection, commandTimeoutMs: waitMs + 500 }),
      consuming: createRedis({ ...connection, commandTimeoutMs: CONSUMING_TIMEOUT_MS }),
    },
    consumer: randomUUID(),
    shards: config.AREA_STATS_QUEUE_SHARDS,
    capacity: config.AREA_STATS_QUEUE_CAPACITY,
    durability: { replicas: config.AREA_STATS_QUEUE_REPLICAS, fsync: config.AREA_STATS_QUEUE_FSYNC, waitMs },
    logger,
  });
}
