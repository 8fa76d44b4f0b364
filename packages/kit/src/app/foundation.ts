import { createServiceTokens, type ServiceTokens } from '../auth/service-tokens.ts';
import { createLogger, type Logger } from '../log/logger.ts';
import { createPageTokens, type PageTokens } from '../paging/page-token.ts';
import { createPostgresNodes, type PostgresNodes } from '../postgres/nodes.ts';
import { createRedis } from '../redis/cluster.ts';
import { openTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { createClosers } from './closers.ts';
import type { CommonConfig } from './config.ts';
import { redisSettings } from './redis-settings.ts';

/** What every service stands on. */
export type Foundation<C extends CommonConfig = CommonConfig> = {
  readonly name: string;
  readonly config: C;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly postgres: PostgresNodes;
  readonly redis: ReturnType<typeof createRedis>;
  readonly pageTokens: PageTokens;
  readonly serviceTokens: ServiceTokens;
  /** Has something closed before what was opened earlier. */
  onClose(close: () => unknown): void;
  /** Closes everything, the latest first. A part that fails to close is logged and holds nothing up. */
  close(): Promise<void>;
};

/**
 * Opens the parts in order: log, telemetry, Postgres, Redis, tokens. When one can not be opened, those before it are
 * closed.
 *
 * @param name the service's name, for example `player-state`: its errors' domain is `<name>.realmkeep`
 */
export async function openFoundation<C extends CommonConfig>({
  name,
  config,
}: {
  name: string;
  config: C;
}): Promise<Foundation<C>> {
  const logger = createLogger({ name, level: config.LOG_LEVEL });
  const closers = createClosers(logger);
  try {
    const telemetry = await openTelemetry(name, config);
    closers.add(() => telemetry.close());

    const postgres = createPostgresNodes({
      name,
      urls: config.POSTGRES_URLS,
      headless: config.POSTGRES_HEADLESS,
      poolSize: config.POSTGRES_POOL_SIZE,
      maxReplicaLagMs: config.MAX_REPLICA_LAG_MS,
      logger,
      meter: telemetry.meter,
    });
    closers.add(() => postgres.close());

    const redis = createRedis({ ...redisSettings(config), logger });
    closers.add(() => redis.disconnect());

    return {
      name,
      config,
      logger,
      telemetry,
      postgres,
      redis,
      pageTokens: createPageTokens({ key: config.PAGE_TOKEN_KEY }),
      serviceTokens: createServiceTokens({ name, keyFile: config.INTERNAL_KEY_FILE }),
      onClose: closers.add,
      close: closers.close,
    };
  } catch (fault) {
    await closers.close();
    throw fault;
  }
}
