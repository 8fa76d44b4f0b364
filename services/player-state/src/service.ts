import type { Caller } from '@realmkeep/kit/auth/caller';
import type { Cached, Demand } from '@realmkeep/kit/cache/cache';
import type { Client } from '@realmkeep/kit/client/client';
import { unavailable } from '@realmkeep/kit/errors/common';
import type { PageStart, PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes, Reader, ReadOptions } from '@realmkeep/kit/postgres/nodes';
import { walPositionStatement } from '@realmkeep/kit/postgres/wal-position';
import type { CallContext } from '@realmkeep/kit/server/implementation';
import type { WatchHub } from '@realmkeep/kit/watch/hub';
import type { PlayerItemLocationService } from '@realmkeep/proto/realmkeep/item_location/v1/player_item_location_service';
import type { ItemLocationsPart } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { StateCache } from './cache.ts';
import { RETRY_DELAY_MS, refuse, toRefusal } from './errors.ts';
import { followOutbox } from './events.ts';
import { asCreated, firstContent, type ItemChange, isSameItem, itemEvent, type NewItem } from './item.ts';
import { locationsPart } from './item-locations.ts';
import { cursorOf, placeOf } from './ledger.ts';
import {
  confirmItems,
  createItem,
  findItem,
  type Item,
  listItems,
  searchItems,
  updateItem,
} from './repository/items.ts';
import { findTransaction, listTransactions } from './repository/ledger.ts';
import { type Place, readOutbox } from './repository/outbox.ts';
import { createPlayer, updatePlayer } from './repository/players.ts';
import { readChunk } from './repository/snapshot.ts';
import { positionOf } from './state-bytes.ts';

export type Service = ReturnType<typeof createService>;

export type ServiceParts = {
  postgres: Pick<PostgresNodes, 'read' | 'write' | 'state'>;
  states: Pick<StateCache, 'peek' | 'get' | 'getMany' | 'written'>;
  pageTokens: PageTokens;
  itemLocations: Pick<Client<typeof PlayerItemLocationService>, 'getPlayerItemLocations'>;
  watches: Pick<WatchHub, 'watch' | 'changed'>;
};

/** How often a write that met another one is made again before the caller hears of it. */
const MOST_TRIES = 5;

/** What player-state does, in order. Ids of players and transactions are lower-case UUIDs. */
export function createService(parts: ServiceParts) {
  const { postgres, states, pageTokens, itemLocations, watches } = parts;

  /** The answer's own `asOf` goes before what was measured of the node. */
  async function read<T>(
    work: (node: Reader) => Promise<T>,
    options?: ReadOptions,
  ): Promise<{ asOf: Date | undefined } & T & { source: string }> {
    return postgres
      .read(async (node) => ({ asOf: node.asOf, ...(await work(node)), source: node.source }), options)
      .catch(refused);
  }

  /**
   * Reads a replica, and then the primary when the replica's answer will not do. Without a primary it has to, unless the
   * caller demands better: then the primary is waited for.
   */
  async function readFresh<T>(
    work: (node: Reader) => Promise<T>,
    isEnough: (answer: T) => boolean,
    { demanded = false, maxStalenessMs }: { demanded?: boolean; maxStalenessMs?: number | undefined } = {},
  ) {
    const answer = await read(work, { maxStalenessMs });
    if (answer.source === 'primary' || isEnough(answer)) return answer;
    if (!demanded && !postgres.state().writable) return answer;
    return read(work, { primary: true });
  }

  function write<T>(work: (primary: Reader) => Promise<T>): Promise<T> {
    return postgres.write(work, { idempotent: true });
  }

  async function stateOf(playerId: string, demand: Demand | undefined): Promise<Cached> {
    const found = await states.get(playerId, demand).catch(refused);
    if (!found.bytes) throw refuse.PLAYER_NOT_FOUND('the player does not exist', { player_id: playerId });
    if (found.version >= (demand?.minVersion ?? 0)) return found;
    throw refuse.VERSION_NOT_REACHED('the player’s version is below min_version', { version: `${found.version}` });
  }

  function openPage(query: string, token: string): PageStart | undefined {
    if (token === '') return undefined;
    const start = pageTokens.open(query, token);
    if (!start) throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
    return start;
  }

  return {
    async createPlayer(playerId: string, displayName: string) {
      const row = await write((primary) => createPlayer(primary, playerId, displayName)).catch(refused);
      await states.written([playerId]);
      if (row.display_name === displayName) return row;
      throw refuse.PLAYER_ID_REUSED('the player id was used with other content', { player_id: playerId });
    },

    async updatePlayer(playerId: string, displayName: string, expectedVersion: bigint) {
      const row = await write((primary) => updatePlayer(primary, playerId, displayName, expectedVersion)).catch(
        refused,
      );
      await states.written([playerId]);
      watches.changed(playerId, BigInt(row.version));
      return row;
    },

    /** From the nearest place that has it as wanted: at once, without a promise, when that is the memory of this process. */
    getPlayerState(playerId: string, demand: Demand | undefined): Cached | Promise<Cached> {
      const found = states.peek(playerId, demand);
      if (found?.bytes) return found;
      return stateOf(playerId, demand);
    },

    /** Where the player's things are, at least as of the player's last write in this state. */
    getLocations(playerId: string, bytes: Uint8Array, context: CallContext): Promise<ItemLocationsPart> {
      return locationsPart(itemLocations, playerId, positionOf(bytes), context);
    },

    /** Each of them, also those that do not exist, each from a snapshot of its own. */
    getPlayerStates(playerIds: string[]): Promise<Map<string, Cached>> {
      return states.getMany(playerIds).catch(refused);
    },

    /** Encoded WatchPlayerStateResponses. */
    watchPlayerState(playerId: string, fromVersion: bigint): AsyncIterable<Uint8Array> {
      return watches.watch(playerId, fromVersion);
    },

    async getTransaction(caller: Caller, transactionId: string) {
      const { row, source, asOf } = await readFresh(
        async (node) => ({ row: await findTransaction(node, transactionId) }),
        (answer) => answer.row !== undefined,
      );
      const sees = caller.role !== 'PLAYER' || row?.player_ids.includes(caller.subject.toLowerCase());
      if (row && sees) return { row, source, asOf };
      throw refuse.TRANSACTION_NOT_FOUND('the transaction does not exist', { transaction_id: transactionId });
    },

    async listTransactions(playerId: string, pageSize: number, pageToken: string) {
      const query = `transactions of ${playerId}`;
      const start = openPage(query, pageToken);
      const below = start && placeOf(start.cursor);
      const { rows, wal, asOf, source } = await read(
        (node) => listTransactions(node, { playerId, below, limit: pageSize + 1 }),
        { minWal: start?.wal },
      );
      const page = rows.slice(0, pageSize);
      const more = rows.length > pageSize ? page.at(-1) : undefined;
      const nextPageToken = more ? pageTokens.sign({ query, cursor: cursorOf(more), wal }) : '';
      return { page, nextPageToken, asOf, source };
    },

    async createItem(item: NewItem): Promise<Item> {
      const found = await write((primary) => createItem(primary, item, itemEvent(item, 1n))).catch(refused);
      const first = asCreated(found);
      if (isSameItem(first, item)) return first;
      throw refuse.ITEM_ID_REUSED('the item id was used with other content', { item_id: item.itemId });
    },

    /** An `expectedVersion` of 0 is any. */
    async updateItem(itemId: string, change: ItemChange, expectedVersion: bigint): Promise<Item> {
      const once = async (primary: Reader): Promise<Item | undefined> => {
        const found = await findItem(primary, itemId);
        if (!found) throw refuse.ITEM_NOT_FOUND('the item does not exist', { item_id: itemId });
        const changed = { ...found, ...change };
        if (isSameItem(found, changed)) {
          await confirmItems(primary);
          return found;
        }
        if (expectedVersion !== 0n && expectedVersion !== found.version) {
          const version = `${found.version}`;
          throw refuse.VERSION_MISMATCH('the item has another version than expected; read again and retry', {
            version,
          });
        }
        const first = found.firstContent === null ? { firstContent: firstContent(found) } : {};
        return updateItem(primary, found, { ...change, ...first }, itemEvent(changed, found.version + 1n));
      };
      for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
        const item = await write(once).catch(refused);
        if (item) return item;
      }
      throw unavailable('the write met too many others', RETRY_DELAY_MS);
    },

    async getItem(itemId: string) {
      const { item, source, asOf } = await readFresh(
        async (node) => ({ item: await findItem(node, itemId) }),
        (answer) => answer.item !== null,
      );
      if (item) return { item, source, asOf };
      throw refuse.ITEM_NOT_FOUND('the item does not exist', { item_id: itemId });
    },

    searchItems(query: string, limit: number) {
      return read((node) => searchItems(node, query, limit));
    },

    async listItems(pageSize: number, pageToken: string) {
      const query = 'items';
      const start = openPage(query, pageToken);
      const { items, wal, source, asOf } = await read(
        async (node) => {
          const found = await listItems(node, start?.cursor as string | undefined, pageSize + 1);
          const { rows } = await node.query<{ timeline: number; lsn: string }>(walPositionStatement);
          return { items: found, wal: rows[0] };
        },
        { minWal: start?.wal },
      );
      const page = items.slice(0, pageSize);
      const more = items.length > pageSize ? page.at(-1) : undefined;
      const nextPageToken = more ? pageTokens.sign({ query, cursor: more.itemId, wal }) : '';
      return { page, nextPageToken, asOf, source };
    },

    followItemEvents(from: Place | undefined, signal: AbortSignal) {
      const onPrimary = <T>(work: (primary: Reader) => Promise<T>) => postgres.read(work, { primary: true });
      return followOutbox(
        {
          outbox: (after, limit) => onPrimary((primary) => readOutbox(primary, after, limit)),
          chunk: (noun, after, limit) => onPrimary((primary) => readChunk(primary, noun, after, limit)),
        },
        from,
        signal,
      );
    },
  };
}

function refused(error: unknown): never {
  throw toRefusal(error);
}
