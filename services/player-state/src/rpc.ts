import { create, toBinary } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Cached, Demand } from '@realmkeep/kit/cache/cache';
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
  type GetPlayerStateRequest,
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
import type { Sessions } from './service/sessions.ts';
import type { Transactions } from './service/transactions.ts';
import type { Service } from './service.ts';
import { answerOf } from './state-bytes.ts';

const DEFAULT_PAGE_SIZE = 20;

/** Tells where an answer came from, how old it is, and the version of what it shows. */
function tell(
  context: CallContext,
  { source, asOf, version }: { source: string; asOf?: Date | number | undefined; version?: bigint | string | number },
) {
  context.header('realmkeep-source', source);
  if (asOf !== undefined) context.header('realmkeep-age-ms', `${Math.max(0, Date.now() - Number(asOf))}`);
  if (version !== undefined) context.header('realmkeep-version', `${version}`);
}

const DISTANCE = ['l1', 'l2', 'replica', 'primary'] as const satisfies Cached['source'][];

/** The farthest place that any of the states came from. */
function farthest(states: Cached[]): string {
  return DISTANCE.findLast((source) => states.some((state) => state.source === source)) ?? 'primary';
}

/** What the request asks of a state; `undefined` fields would cost the hot path more than the branch does. */
function toDemand({ minVersion, maxStaleness }: GetPlayerStateRequest): Demand | undefined {
  if (minVersion === 0n && !maxStaleness) return undefined;
  return { minVersion: Number(minVersion), ...(maxStaleness && { maxStalenessMs: durationMs(maxStaleness) }) };
}

export function playerStateRpcs(service: Service, transactions: Transactions, sessions: Pick<Sessions, 'presence'>) {
  return implement(PlayerStateService, {
    async createPlayer(request, context) {
      const playerId = request.playerId.toLowerCase();
      const { display_name: displayName, created } = await service.createPlayer(playerId, request.displayName);
      tell(context, { source: 'primary', asOf: new Date(), version: 1n });
      return create(CreatePlayerResponseSchema, {
        player: { playerId, displayName, createTime: timestampFromMicros(created) },
        version: 1n,
      });
    },

    async updatePlayer({ playerId: id, displayName, expectedVersion }, context) {
      const playerId = id.toLowerCase();
      const { version, created } = await service.updatePlayer(playerId, displayName, expectedVersion);
      tell(context, { source: 'primary', asOf: new Date(), version });
      return create(UpdatePlayerResponseSchema, {
        player: { playerId, displayName, createTime: timestampFromMicros(created) },
        version: BigInt(version),
      });
    },

    async getPlayerState(request, context) {
      const playerId = request.playerId.toLowerCase();
      const read = service.getPlayerState(playerId, toDemand(request));
      const state = read instanceof Promise ? await read : read;
      const answer = answerOf(state.bytes!);
      if (request.view !== GetPlayerStateRequest_View.FULL) {
        tell(context, state);
        return answer;
      }
      const [itemLocations, presence] = await Promise.all([
        service.getLocations(playerId, state.bytes!, context),
        sessions.presence(playerId),
      ]);
      tell(context, state);
      const located = toBinary(GetPlayerStateResponseSchema, create(GetPlayerStateResponseSchema, { itemLocations }));
      // Encoded messages one after the other are one message.
      return Buffer.concat([answer, located, presence]);
    },

    async batchGetPlayerStates(request, context) {
      const playerIds = request.playerIds.map((id) => id.toLowerCase());
      const states = await service.getPlayerStates([...new Set(playerIds)]);
      const found = [...states.values()].filter(({ bytes }) => bytes);
      const asOf = found.reduce((oldest, state) => Math.min(oldest, state.asOf), Date.now());
      tell(context, { source: farthest(found), asOf });
      return batchAnswer(playerIds, (playerId) => states.get(playerId)?.bytes, asOf);
    },

    watchPlayerState: (request) => service.watchPlayerState(request.playerId.toLowerCase(), request.fromVersion),

    async applyTransaction(request, context) {
      const answer = await transactions.apply(request);
      tell(context, { source: 'primary', asOf: new Date() });
      return answer;
    },

    async getTransaction(request, context) {
      const { row, source, asOf } = await service.getTransaction(context.caller, request.transactionId.toLowerCase());
      tell(context, { source, asOf });
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
      tell(context, { source: 'primary', asOf: new Date(), version: item.version });
      return create(CreateItemResponseSchema, { item: toItem(item) });
    },

    async updateItem(request, context) {
      const item = await service.updateItem(request.itemId, toItemChange(request), request.expectedVersion);
      tell(context, { source: 'primary', asOf: new Date(), version: item.version });
      return create(UpdateItemResponseSchema, { item: toItem(item) });
    },

    async getItem(request, context) {
      const { item, source, asOf } = await service.getItem(request.itemId);
      tell(context, { source, asOf, version: item.version });
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
