import type { DescService } from '@bufbuild/protobuf';
import { createClient } from '@realmkeep/kit/client/client';
import type { KeyFiles } from '@realmkeep/testkit/key-files';
import type { TestDatabase } from '@realmkeep/testkit/stores';
import type { TokenClaims } from '@realmkeep/testkit/tokens';
import { startApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { commonEnv } from './settings.ts';

/** The whole service in this process, and clients of it. */
export async function startTestApp({
  database,
  keys,
  playerStateAddress,
}: {
  database: TestDatabase;
  keys: KeyFiles;
  playerStateAddress: string;
}) {
  const env = await commonEnv(database, keys);
  const app = await startApp(readSettings({ ...env, PLAYER_STATE_ADDRESS: playerStateAddress }));
  const address = `127.0.0.1:${app.grpcPort}`;
  const clients: { close(): void }[] = [];
  return {
    address,
    metricsPort: app.metricsPort,
    /** A client that calls with a token of these claims, or with none. */
    client<S extends DescService>(service: S, claims?: TokenClaims) {
      const serviceTokens = claims && { token: () => keys.tokens.token(claims) };
      const client = createClient(service, { address, ...(serviceTokens ? { serviceTokens } : {}) });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await app.drain();
    },
  };
}
