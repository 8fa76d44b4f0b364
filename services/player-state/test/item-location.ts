import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createTokenVerifier } from '@realmkeep/kit/auth/token-verifier';
import { defineRefusals } from '@realmkeep/kit/errors/refusals';
import { createLogger } from '@realmkeep/kit/log/logger';
import { implement } from '@realmkeep/kit/server/implementation';
import { createServer } from '@realmkeep/kit/server/server';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import {
  type GetPlayerItemLocationsRequest,
  type GetPlayerItemLocationsResponse,
  GetPlayerItemLocationsResponseSchema,
  PlayerItemLocationService,
} from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';

const refuse = defineRefusals('item-location.realmkeep', { POSITION_NOT_REACHED: 'FAILED_PRECONDITION' });

/** An item-location that answers as it is told to. */
export async function startItemLocation(keys: Record<string, string>, port: number) {
  let asked: GetPlayerItemLocationsRequest | undefined;
  let answer: () => Promise<GetPlayerItemLocationsResponse> = async () => create(GetPlayerItemLocationsResponseSchema);
  const logger = createLogger({ name: 'item-location', level: 'silent' });
  const telemetry = await openTestTelemetry('item-location');
  const verifier = createTokenVerifier({
    jwksFile: keys.JWKS_FILE!,
    internalJwksFile: keys.INTERNAL_JWKS_FILE!,
    logger,
  });
  const server = createServer({
    domain: 'item-location.realmkeep',
    implementations: [
      implement(PlayerItemLocationService, {
        getPlayerItemLocations(request) {
          asked = request;
          return answer();
        },
      }),
    ],
    verifier,
    logger,
    telemetry,
    maxInWork: 100,
    maxStreams: 100,
  });
  await server.listen('127.0.0.1', port);
  return {
    knows(response: MessageInitShape<typeof GetPlayerItemLocationsResponseSchema>): void {
      answer = async () => create(GetPlayerItemLocationsResponseSchema, response);
    },
    isBehind(): void {
      answer = () => Promise.reject(refuse.POSITION_NOT_REACHED('not yet'));
    },
    hangs(): void {
      answer = () => new Promise(() => undefined);
    },
    /** The last question. */
    asked: () => asked,
    async stop(): Promise<void> {
      await server.drain({ delayMs: 0, timeoutMs: 100 });
      verifier.close();
      await telemetry.close();
    },
  };
}
