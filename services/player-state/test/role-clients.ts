import type { DescService } from '@bufbuild/protobuf';
import { createServiceTokens } from '@realmkeep/kit/auth/service-tokens';
import type { TestApp } from './app.ts';

export const ROLES = ['nobody', 'player', 'server', 'admin', 'service'] as const;
export type TestRole = (typeof ROLES)[number];

/** Clients of one service, one for each role; the player is `playerId`. */
export async function roleClients<S extends DescService>(app: TestApp, service: S, playerId: string) {
  const internal = createServiceTokens({ name: 'item-location', keyFile: app.keys.INTERNAL_KEY_FILE! });
  return {
    nobody: app.client(service),
    player: await app.as(service, 'player', playerId),
    server: await app.as(service, 'server'),
    admin: await app.as(service, 'admin'),
    service: app.client(service, await internal.token()),
  };
}
