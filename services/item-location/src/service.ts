import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '@realmkeep/kit/auth/caller';
import { invalidArgument } from '@realmkeep/kit/errors/common';
import type { PageStart, PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import { refusalOf, refuse } from './errors.ts';
import { type Boundary, cutPage, fitting, fromCursor, type Listing, mayList, toCursor } from './listing.ts';
import { contentHash, type Move, repeatedThings } from './move-request.ts';
import {
  findItemLocation,
  findItemLocations,
  followedPosition,
  listItemLocations,
  playerItemLocations,
} from './repository/item-locations.ts';
import { moveItems } from './repository/moves.ts';
import { nearbyItemLocations, searchItemLocations } from './repository/searches.ts';
import { hasReached, type SourcePosition } from './source-position.ts';

// How long a read waits for the following to catch up, and how often it looks.
const CATCH_UP_MS = 200;
const CATCH_UP_EVERY_MS = 10;

export type Service = ReturnType<typeof createService>;

/** The order of things of every call. Refusals are thrown as RpcErrors. */
export function createService({
  postgres,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  pageTokens: PageTokens;
}) {
  function openPage(query: string, token: string): PageStart | undefined {
    if (!token) return undefined;
    const start = pageTokens.open(query, token);
    if (!start) throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
    return start;
  }

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

    searchItemLocations(query: string, limit: number) {
      const text = query.trim().toLowerCase();
      return postgres.read(async (node) => ({
        ...(await searchItemLocations(node, { text, limit })),
        source: node.source,
      }));
    },

    async nearbyItemLocations(near: Parameters<typeof nearbyItemLocations>[1]) {
      const found = await postgres.read(async (node) => ({
        ...(await nearbyItemLocations(node, near)),
        source: node.source,
      }));
      return { ...found, rows: found.rows.slice(0, fitting(found.rows, near.limit)) };
    },

    async listItemLocations(caller: Caller, listing: Listing, pageToken: string) {
      if (!mayList(caller, listing)) throw refuse.FILTER_NOT_ALLOWED('a player lists its own things, or a location');
      const { by, value, query, pageSize } = listing;
      const start = openPage(query, pageToken);
      const boundary = start && fromCursor(start.cursor);
      const found = await postgres.read(
        async (node) => ({
          ...(await listItemLocations(node, { by, value, boundary, limit: pageSize + 1 })),
          source: node.source,
        }),
        { minWal: start?.wal },
      );
      const { rows, next, previous } = cutPage(found.rows, pageSize, boundary);
      const sign = (at: Boundary | undefined) =>
        at ? pageTokens.sign({ query, cursor: toCursor(at), wal: found.wal }) : '';
      return {
        rows,
        nextPageToken: sign(next),
        previousPageToken: sign(previous),
        asOf: found.asOf,
        source: found.source,
      };
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
        return await postgres.write((primary) => moveItems(primary, request), { idempotent: true });
      } catch (error) {
        throw refusalOf(error) ?? error;
      }
    },
  };
}
