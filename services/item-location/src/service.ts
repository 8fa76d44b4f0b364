import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '@realmkeep/kit/auth/caller';
import { invalidArgument } from '@realmkeep/kit/errors/common';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { WatchHub } from '@realmkeep/kit/watch/hub';
import type { ListingCache } from './cache/listings.ts';
import type { QueryCache } from './cache/queries.ts';
import { refusalOf, refuse } from './errors.ts';
import { firstPageOf, type ListingId, toWatchKey } from './first-page.ts';
import { type Listing, mayList } from './listing.ts';
import { contentHash, type Move, repeatedThings } from './move-request.ts';
import { MOST_CACHED, type Query } from './query.ts';
import {
  findItemLocation,
  findItemLocations,
  followedPosition,
  playerItemLocations,
} from './repository/item-locations.ts';
import { moveItems } from './repository/moves.ts';
import type { Pages } from './service/pages.ts';
import { hasReached, type SourcePosition } from './source-position.ts';

// How long a read waits for the following to catch up, and how often it looks.
const CATCH_UP_MS = 200;
const CATCH_UP_EVERY_MS = 10;

/** An encoded answer, where it came from and when it was true. */
export type Answer = { bytes: Uint8Array; source: string; asOf: Date | number; version?: number };

export type Service = ReturnType<typeof createService>;

/** The order of things of every call. Refusals are thrown as RpcErrors. */
export function createService({
  postgres,
  pages,
  listings,
  queries,
  watches,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  pages: Pick<Pages, 'page' | 'run'>;
  listings: Pick<ListingCache, 'peek' | 'get' | 'changed'>;
  queries: Pick<QueryCache, 'get'>;
  watches: Pick<WatchHub, 'watch' | 'changed'>;
}) {
  return {
    async getItemLocation(caller: Caller, gameItemId: string) {
      const found = await postgres.read(async (node) => {
        const row = await findItemLocation(node, gameItemId);
        return row && { row, asOf: row.as_of, source: node.source };
      });
      const facts = { game_item_id: gameItemId };
      if (!found) throw refuse.ITEM_LOCATION_NOT_FOUND('the thing is not known here, or was consumed', facts);
      if (caller.role === 'PLAYER' && found.row.owner_id !== caller.subject.toLowerCase()) {
        throw refuse.NOT_OWNER('the thing is not the caller’s', facts);
      }
      return found;
    },

    /** Those that are live, in the order asked, and the ids of the others. */
    async getItemLocations(caller: Caller, gameItemIds: string[]) {
      const found = await postgres.read(async (node) => ({
        ...(await findItemLocations(node, gameItemIds)),
        source: node.source,
      }));
      const byId = new Map(found.rows.map((row) => [row.game_item_id, row]));
      const player = caller.role === 'PLAYER' ? caller.subject.toLowerCase() : undefined;
      const foreign = player && found.rows.find((row) => row.owner_id !== player);
      if (foreign) throw refuse.NOT_OWNER('a thing is not the caller’s', { game_item_id: foreign.game_item_id });
      return {
        rows: gameItemIds.flatMap((id) => byId.get(id) ?? []),
        missing: gameItemIds.filter((id) => !byId.has(id)),
        asOf: found.asOf,
        source: found.source,
      };
    },

    async searchItemLocations(query: string, limit: number): Promise<Answer> {
      const text = query.trim();
      // More is a space to us than the contract's pattern knows, such as U+3000; a name begins with nothing at all.
      if (!text) throw invalidArgument([{ field: 'query', description: 'must have a character that is not a space' }]);
      return queries.get({ kind: 'search', text, limit });
    },

    nearbyItemLocations(near: Omit<Extract<Query, { kind: 'nearby' }>, 'kind'>): Promise<Answer> {
      const query: Query = { kind: 'nearby', ...near };
      return near.limit > MOST_CACHED ? pages.run(query) : queries.get(query);
    },

    /**
     * The first pages of a player and of a location are as of their last change, those of an area and of an item may be
     * some seconds old; at once, without a promise, when the page is in the memory of this process.
     */
    listItemLocations(caller: Caller, listing: Listing, pageToken: string): Answer | Promise<Answer> {
      if (!mayList(caller, listing)) throw refuse.FILTER_NOT_ALLOWED('a player lists its own things, or a location');
      if (pageToken) return pages.page(listing, pageToken);
      const first = firstPageOf(listing);
      if (first) return listings.peek(first) ?? listings.get(first);
      const { by, pageSize } = listing;
      if (by === 'owner' || by === 'location' || pageSize > MOST_CACHED) return pages.page(listing, '');
      return queries.get({ kind: 'list', ...listing });
    },

    /** Encoded WatchItemLocationsResponses. */
    watchItemLocations(caller: Caller, listing: ListingId, fromVersion: bigint): AsyncIterable<Uint8Array> {
      if (!mayList(caller, { by: listing.by, value: listing.id })) {
        throw refuse.FILTER_NOT_ALLOWED('a player watches itself, or a location');
      }
      return watches.watch(toWatchKey(listing), fromVersion);
    },

    /** All of a player's things, once what was asked for is followed; waits briefly for that. */
    async getPlayerItemLocations(playerId: string, minPosition: SourcePosition | undefined, signal: AbortSignal) {
      const read = async (node: Reader) => ({ ...(await playerItemLocations(node, playerId)), source: node.source });
      const here = await postgres.read(read);
      if (!minPosition || hasReached(here.position, minPosition)) return here;

      const end = performance.now() + CATCH_UP_MS;
      while (!hasReached(await postgres.read(followedPosition, { primary: true }), minPosition)) {
        if (performance.now() >= end) {
          throw refuse.POSITION_NOT_REACHED('player-state is not followed up to the position yet');
        }
        await delay(CATCH_UP_EVERY_MS);
        signal.throwIfAborted();
      }
      return postgres.read(read, { primary: true });
    },

    /** Moves things once per request id; a player moves only its own. */
    async moveItems(caller: Caller, requestId: string, moves: Move[]) {
      const repeated = repeatedThings(moves);
      if (repeated.length > 0) throw invalidArgument(repeated);
      const mover = caller.role === 'PLAYER' ? caller.subject.toLowerCase() : undefined;
      const request = { requestId, contentHash: contentHash(mover, moves), mover, moves };
      try {
        const answer = await postgres.write((primary) => moveItems(primary, request), { idempotent: true });
        // Also of a repeated one: its first writer may have died before it came to this.
        const playerIds = [...new Set(answer.item_locations.map((row) => row.owner_id))];
        await listings.changed({ playerIds, locationIds: answer.locations });
        for (const id of playerIds) watches.changed(toWatchKey({ by: 'owner', id }));
        for (const id of answer.locations) watches.changed(toWatchKey({ by: 'location', id }));
        return answer;
      } catch (error) {
        throw refusalOf(error) ?? error;
      }
    },
  };
}
