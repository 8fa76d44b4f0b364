import { create } from '@bufbuild/protobuf';
import { durationMs, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type CallContext, implement } from '@realmkeep/kit/server/implementation';
import {
  CreateItemResponseSchema,
  GetItemResponseSchema,
  ItemCatalogService,
  ListItemsResponseSchema,
  SearchItemsResponseSchema,
  UpdateItemResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import {
  CreatePlayerResponseSchema,
  GetPlayerStateRequest_View,
  GetPlayerStateResponseSchema,
  GetTransactionResponseSchema,
  ListTransactionsResponseSchema,
  PlayerStateService,
  UpdatePlayerResponseSchema,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { batchAnswer } from './batch.ts';
import { toItem, toItemChange, toNewItem } from './item.ts';
import { toPlace } from './item-event.ts';
import { toTransaction } from './ledger.ts';
import { timestampFromMicros } from './micros.ts';
import { toPlayerState } from './player-state.ts';
import type { Sessions } from './service/sessions.ts';
import type { Service } from './service.ts';

const DEFAULT_PAGE_SIZE = 20;

/** Tells where an answer came from, how old it is, and the version of what it shows. */
function tell(
  context: CallContext,
  { source, asOf, version }: { source: string; asOf?: Date | undefined; version?: bigint | string },
) {
  context.header('realmkeep-source', source);
  if (asOf) context.header('realmkeep-age-ms', `${Math.max(0, Date.now() - asOf.getTime())}`);
  if (version !== undefined) context.header('realmkeep-version', `${version}`);
}

export function playerStateRpcs(service: Service, sessions: Pick<Sessions, 'presence'>) {
  return implement(PlayerStateService, {
    async createPlayer(request, context) {
      const playerId = request.playerId.toLowerCase();
      const { display_name: displayName, created } = await service.createPlayer(playerId, request.displayName);
      tell(context, { source: 'primary', version: 1n });
      return create(CreatePlayerResponseSchema, {
        player: { playerId, displayName, createTime: timestampFromMicros(created) },
        version: 1n,
      });
    },

    async updatePlayer({ playerId: id, displayName, expectedVersion }, context) {
      const playerId = id.toLowerCase();
      const { version, created } = await service.updatePlayer(playerId, displayName, expectedVersion);
      tell(context, { source: 'primary', version });
      return create(UpdatePlayerResponseSchema, {
        player: { playerId, displayName, createTime: timestampFromMicros(created) },
        version: BigInt(version),
      });
    },

    async getPlayerState(request, context) {
      const { row, source } = await service.getPlayerState(request.playerId.toLowerCase(), {
        minVersion: request.minVersion,
        maxStalenessMs: request.maxStaleness && durationMs(request.maxStaleness),
      });
      const full = request.view === GetPlayerStateRequest_View.FULL;
      const parts = full
        ? await Promise.all([service.getLocations(row, context), sessions.presence(row.player_id)])
        : undefined;
      tell(context, { source, asOf: row.as_of, version: row.version });
      return create(GetPlayerStateResponseSchema, {
        state: toPlayerState(row),
        asOf: timestampFromDate(row.as_of),
        ...(parts && { itemLocations: parts[0], presence: parts[1] }),
      });
    },

    async batchGetPlayerStates(request, context) {
      const playerIds = request.playerIds.map((id) => id.toLowerCase());
      const { rows, asOf, source } = await service.getPlayerStates([...new Set(playerIds)]);
      tell(context, { source, asOf });
      return batchAnswer(playerIds, (playerId) => rows.get(playerId), asOf);
    },

    watchPlayerState: (request) => service.watchPlayerState(request.playerId.toLowerCase(), request.fromVersion),

    async applyTransaction(request, context) {
      const answer = await service.applyTransaction(request);
      tell(context, { source: 'primary' });
      return answer;
    },

    async getTransaction(request, context) {
      const { row, source } = await service.getTransaction(context.caller, request.transactionId.toLowerCase());
      tell(context, { source });
      return create(GetTransactionResponseSchema, { transaction: toTransaction(row) });
    },

    async listTransactions(request, context) {
      const { playerId, pageSize, pageToken } = request;
      const list = await service.listTransactions(playerId.toLowerCase(), pageSize || DEFAULT_PAGE_SIZE, pageToken);
      tell(context, list);
      return create(ListTransactionsResponseSchema, {
        transactions: list.page.map(toTransaction),
        nextPageToken: list.nextPageToken,
      });
    },
  });
}

export function itemCatalogRpcs(service: Service) {
  return implement(ItemCatalogService, {
    async createItem(request, context) {
      const item = await service.createItem(toNewItem(request));
      tell(context, { source: 'primary', version: item.version });
      return create(CreateItemResponseSchema, { item: toItem(item) });
    },

    async updateItem(request, context) {
      const item = await service.updateItem(request.itemId, toItemChange(request), request.expectedVersion);
      tell(context, { source: 'primary', version: item.version });
      return create(UpdateItemResponseSchema, { item: toItem(item) });
    },

    async getItem(request, context) {
      const { item, source } = await service.getItem(request.itemId);
      tell(context, { source, version: item.version });
      return create(GetItemResponseSchema, { item: toItem(item) });
    },

    async listItems(request, context) {
      const list = await service.listItems(request.pageSize || DEFAULT_PAGE_SIZE, request.pageToken);
      tell(context, list);
      return create(ListItemsResponseSchema, { items: list.page.map(toItem), nextPageToken: list.nextPageToken });
    },

    async searchItems(request, context) {
      const found = await service.searchItems(request.query, request.pageSize || DEFAULT_PAGE_SIZE);
      tell(context, found);
      return create(SearchItemsResponseSchema, { items: found.items.map(toItem) });
    },
  });
}

export function itemEventRpcs(service: Service) {
  return implement(ItemEventService, {
    followItemEvents: (request, context) =>
      service.followItemEvents(request.position && toPlace(request.position), context.signal),
  });
}
