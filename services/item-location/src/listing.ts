import type { Caller } from '@realmkeep/kit/auth/caller';
import type { ListItemLocationsRequest } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';

/** What a listing is by. */
export type FilterKind = 'owner' | 'location' | 'area' | 'item';

/** The place between two pages: `next` holds the ids above `id`, `previous` the others. */
export type Boundary = { direction: 'next' | 'previous'; id: string };

/** One listing, and the size of a page. */
export type Listing = { by: FilterKind; value: string; pageSize: number };

/** Default size of a page, of every listing. */
export const DEFAULT_PAGE_SIZE = 20;

/** What is asked for. The contract has checked that exactly one filter is given. */
export function listingOf(request: ListItemLocationsRequest): Listing {
  const [by, value] = filterOf(request);
  return { by, value, pageSize: request.pageSize || DEFAULT_PAGE_SIZE };
}

/** Everything that the page tokens of a listing are bound to. */
export function queryOf(by: FilterKind, value: string): string {
  return `item-locations by ${by} ${value}`;
}

function filterOf(request: ListItemLocationsRequest): [FilterKind, string] {
  if (request.playerId) return ['owner', request.playerId.toLowerCase()];
  if (request.locationId) return ['location', request.locationId.toLowerCase()];
  if (request.areaCode) return ['area', request.areaCode];
  return ['item', request.itemId];
}

/** A player sees its own things and what lies at a location: a place in the world is visible to all. */
export function mayList(caller: Caller, { by, value }: Pick<Listing, 'by' | 'value'>): boolean {
  return caller.role !== 'PLAYER' || by === 'location' || (by === 'owner' && value === caller.subject.toLowerCase());
}

/** The cursor of a boundary, and back; undefined when it is none. */
export function toCursor({ direction, id }: Boundary): unknown {
  return [direction, id];
}

export function fromCursor(cursor: unknown): Boundary | undefined {
  if (!Array.isArray(cursor)) return undefined;
  const [direction, id] = cursor as unknown[];
  return (direction === 'next' || direction === 'previous') && typeof id === 'string' ? { direction, id } : undefined;
}

// An answer has at most 2 MB.
const PAGE_BYTES = 2_000_000;

/**
 * How many of the encoded rows make an answer: at most its size, less when they would be too large together, but at least
 * one, if there is one.
 */
export function fitting(found: { length: number }[], pageSize: number): number {
  let bytes = 0;
  const most = Math.min(found.length, pageSize);
  for (let index = 0; index < most; index += 1) {
    bytes += found[index]!.length;
    if (bytes > PAGE_BYTES) return Math.max(1, index);
  }
  return most;
}

/**
 * Cuts a page out of the encoded rows that were found from a boundary on, nearest first, of which one more than the page
 * was asked for. Two pages that share a boundary are each other's complement, so no row is in both or in neither.
 *
 * @param idOf the id of a row's thing
 */
export function cutPage<Row extends { length: number }>(
  found: Row[],
  { pageSize, boundary, idOf }: { pageSize: number; boundary?: Boundary | undefined; idOf: (row: Row) => string },
): { rows: Row[]; next: Boundary | undefined; previous: Boundary | undefined } {
  const end = fitting(found, pageSize);
  const rows = found.slice(0, end);
  const beyond = found[end];
  if (boundary?.direction === 'previous') {
    const previous: Boundary | undefined = beyond && { direction: 'previous', id: idOf(beyond) };
    return { rows: rows.reverse(), next: { direction: 'next', id: boundary.id }, previous };
  }
  const last = rows.at(-1);
  return {
    rows,
    next: beyond && last && { direction: 'next', id: idOf(last) },
    previous: boundary && { direction: 'previous', id: boundary.id },
  };
}
