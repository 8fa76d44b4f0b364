import { create } from '@bufbuild/protobuf';
import type { Client } from '@realmkeep/kit/client/client';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import type { CallContext } from '@realmkeep/kit/server/implementation';
import type { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import {
  type ItemLocationsPart,
  ItemLocationsPart_MissingReason,
  ItemLocationsPartSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';

/** How long a FULL answer waits for item-location. */
const WAIT_MS = 300;

/**
 * Where the player's things are, as of the given outbox position or later. Never fails: the part says why it is missing.
 */
export async function locationsPart(
  client: Pick<Client<typeof PlayerItemLocationService>, 'getPlayerItemLocations'>,
  playerId: string,
  minPosition: { transaction: bigint; id: bigint },
  context: Pick<CallContext, 'deadline' | 'signal' | 'trace'>,
): Promise<ItemLocationsPart> {
  try {
    const { itemLocations, version, asOf, truncated } = await client.getPlayerItemLocations(
      { playerId, minPosition },
      { context, timeoutMs: WAIT_MS },
    );
    return create(ItemLocationsPartSchema, { itemLocations, version, truncated, ...(asOf && { asOf }) });
  } catch (error) {
    const behind = error instanceof RpcError && error.reason === 'POSITION_NOT_REACHED';
    return create(ItemLocationsPartSchema, {
      missingReason: ItemLocationsPart_MissingReason[behind ? 'BEHIND' : 'UNAVAILABLE'],
    });
  }
}
