import type { KeyFiles } from '@realmkeep/testkit/key-files';
import { stores, type TestDatabase } from '@realmkeep/testkit/stores';

/** The settings that every service needs to run on the stores of this test run, its ports free ones. */
export async function commonEnv(database: TestDatabase, keys: KeyFiles): Promise<Record<string, string>> {
  const { valkey } = await stores();
  return {
    ...keys.env,
    HOST: '127.0.0.1',
    GRPC_PORT: '0',
    METRICS_PORT: '0',
    POSTGRES_URLS: [database.primaryUrl, ...database.replicaUrls].join(),
    REDIS_NODES: valkey.nodes.join(),
    REDIS_PASSWORD: valkey.password,
    PAGE_TOKEN_KEY: 'ab'.repeat(32),
    DRAIN_DELAY_MS: '0',
    DRAIN_TIMEOUT_MS: '2000',
    LOG_LEVEL: 'silent',
  };
}
