import type { Listing } from './listing.ts';

/** A listing whose first pages are cached: the things of a player, or those at a location. */
export type ListingId = { by: 'owner' | 'location'; id: string };

/** One of its first pages. */
export type FirstPage = ListingId & { pageSize: number };

/** The size of the page that a watch is sent. */
export const WATCHED_PAGE_SIZE = 100;

/** The sizes of first pages that are cached: the default, and that of a watch. */
export const CACHED_PAGE_SIZES = [20, WATCHED_PAGE_SIZE] as const;

/** What a watch of the listing is known by. */
export function toWatchKey({ by, id }: ListingId): string {
  return `${by}:${id}`;
}

export function fromWatchKey(key: string): ListingId {
  const [by, id] = key.split(':') as [ListingId['by'], string];
  return { by, id };
}

/** The page that a query without a token asks for, if it is one that is cached. */
export function firstPageOf({ by, value, pageSize }: Listing): FirstPage | undefined {
  if ((by !== 'owner' && by !== 'location') || !CACHED_PAGE_SIZES.some((size) => size === pageSize)) return undefined;
  return { by, id: value, pageSize };
}

export function toKey({ by, pageSize, id }: FirstPage): string {
  return `${by}:${pageSize}:${id}`;
}

export function fromKey(key: string): FirstPage {
  const [by, pageSize, id] = key.split(':') as [ListingId['by'], string, string];
  return { by, pageSize: Number(pageSize), id };
}

// A listing's version is that of its contents; between two of them comes the news that there is a newer one: 2 v says
// that the listing has come to version v, 2 v + 1 is what it shows at v. So news outweighs what it has outdated, and is
// outweighed by what it announced.

/** The version in the cache of what a listing shows at its version. */
export function contentVersion(version: bigint): number {
  return 2 * Number(version) + 1;
}

/** The version in the cache of the news that a listing has come to its version. */
export function newsVersion(version: bigint): number {
  return 2 * Number(version);
}

export function isContent(cachedVersion: number): boolean {
  return cachedVersion % 2 === 1;
}

/** The listing's version of a content. */
export function listingVersion(cachedVersion: number): number {
  return (cachedVersion - 1) / 2;
}
