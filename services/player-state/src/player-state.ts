import { create } from '@bufbuild/protobuf';
import {
  type Balance,
  BalanceSchema,
  type GameItem,
  GameItemSchema,
  type PlayerState,
  PlayerStateSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player';
import { timestampFromMicros } from './micros.ts';
import type { PlayerStateRow } from './repository/players.ts';

/** What a player has, from its row. */
export function toPlayerState(row: PlayerStateRow): PlayerState {
  return create(PlayerStateSchema, {
    playerId: row.player_id,
    displayName: row.display_name,
    version: BigInt(row.version),
    balances: row.balances?.map(toBalance) ?? [],
    items: row.items?.map(toGameItem) ?? [],
    createTime: timestampFromMicros(row.created),
    updateTime: timestampFromMicros(row.updated),
  });
}

function toBalance([currency, amount]: NonNullable<PlayerStateRow['balances']>[number]): Balance {
  return create(BalanceSchema, { currency, amount: BigInt(amount) });
}

function toGameItem([gameItemId, itemId, kind, quantity, version, created]: NonNullable<
  PlayerStateRow['items']
>[number]): GameItem {
  return create(GameItemSchema, {
    gameItemId,
    itemId,
    kind,
    quantity: BigInt(quantity),
    version: BigInt(version),
    createTime: timestampFromMicros(created),
  });
}
