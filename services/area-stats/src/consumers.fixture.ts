import { createNoopMeter } from '@opentelemetry/api';
import { createPostgresNodes } from '@realmkeep/kit/postgres/nodes';
import { createRedis } from '@realmkeep/kit/redis/cluster';
import { startConsumers } from './consumers.ts';
import { createEventQueue } from './event-queue/queue.ts';
import { createEventQueueMetrics } from './event-queue-metrics.ts';
import { createRecorder } from './recorder.ts';
import { parkEvents } from './repository/parked-events.ts';
import { createRepository } from './repository.ts';

// A consumer in a process of its own, which is killed between the commit of what it read and its settlement.
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const { POSTGRES_URL, REDIS_NODES, REDIS_PASSWORD } = process.env as Record<string, string>;
const postgres = createPostgresNodes({ name: 'killed', urls: [POSTGRES_URL!], logger, meter: createNoopMeter() });
const connection = { nodes: REDIS_NODES!.split(','), password: REDIS_PASSWORD!, commandTimeoutMs: 5_000, logger };
const client = () => createRedis(connection);
const queue = createEventQueue({
  clients: { appending: client(), consuming: client() },
  consumer: 'killed',
  shards: 2,
  capacity: 100_000,
  durability: { replicas: 0, fsync: false, waitMs: 1_000 },
  logger,
});
const recorder = createRecorder({
  repository: createRepository({ postgres }),
  limits: { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 },
  logger,
});
startConsumers({
  queue: {
    ...queue,
    settle: async () => {
      process.kill(process.pid, 'SIGKILL');
    },
  },
  record: recorder.recordPatiently,
  park: (parked) => postgres.write((primary) => parkEvents(primary, parked), { idempotent: true }),
  metrics: createEventQueueMetrics(createNoopMeter(), queue),
  reclaimMs: 30_000,
  logger,
});
