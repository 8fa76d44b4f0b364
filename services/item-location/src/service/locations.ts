import { unavailable } from '@realmkeep/kit/errors/common';
import type { PageTokens } from '@realmkeep/kit/paging/page-token';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import { type WalPosition, walPositionStatement } from '@realmkeep/kit/postgres/wal-position';
import { locationRow, locationsBytes } from '../answer-bytes.ts';
import { refuse } from '../errors.ts';
import { fitting } from '../listing.ts';
import { asCreated, firstContent, isSameLocation, type LocationContent } from '../location.ts';
import {
  confirmLocations,
  createLocation,
  findLocation,
  type Location,
  listLocations,
  updateLocation,
} from '../repository/locations.ts';

/** How often an update that met another one is made again before the caller hears of it. */
const MOST_TRIES = 5;
const RETRY_DELAY_MS = 100;

export type Locations = ReturnType<typeof createLocations>;

/** What is done with the places of the world. Refusals are thrown as RpcErrors. */
export function createLocations({
  postgres,
  pageTokens,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write'>;
  pageTokens: PageTokens;
}) {
  const absent = (locationId: string) => refuse.LOCATION_NOT_FOUND('no such location', { location_id: locationId });

  return {
    async createLocation(wanted: LocationContent & Pick<Location, 'locationId'>): Promise<Location> {
      const found = await postgres.write((primary) => createLocation(primary, wanted), { idempotent: true });
      const first = asCreated(found);
      if (isSameLocation(first, wanted)) return first;
      throw refuse.LOCATION_ID_REUSED('the location id was created with other content', {
        location_id: wanted.locationId,
      });
    },

    /** An `expectedVersion` of 0 is any. */
    async updateLocation(
      locationId: string,
      change: Partial<LocationContent>,
      expectedVersion: bigint,
    ): Promise<Location> {
      const once = async (primary: Reader): Promise<Location | undefined> => {
        const found = await findLocation(primary, locationId);
        if (!found) throw absent(locationId);
        if (isSameLocation(found, { ...found, ...change })) {
          await confirmLocations(primary);
          return found;
        }
        if (expectedVersion !== 0n && expectedVersion !== found.version) {
          throw refuse.VERSION_MISMATCH('the location has another version than expected; read again and retry', {
            version: `${found.version}`,
          });
        }
        const first = found.firstContent === null ? { firstContent: firstContent(found) } : {};
        return updateLocation(primary, found, { ...change, ...first });
      };
      for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
        const location = await postgres.write(once, { idempotent: true });
        if (location) return location;
      }
      throw unavailable('the write met too many others', RETRY_DELAY_MS);
    },

    async getLocation(locationId: string) {
      const { location, source } = await postgres.read(async (node) => ({
        location: await findLocation(node, locationId),
        source: node.source,
      }));
      if (!location) throw absent(locationId);
      return { location, source };
    },

    /** An encoded page; it ends before it would be too large for an answer. */
    async listLocations(areaCode: string, pageSize: number, pageToken: string) {
      const query = `locations of ${areaCode}`;
      const start = pageToken ? pageTokens.open(query, pageToken) : undefined;
      if (pageToken && !start) {
        throw refuse.PAGE_TOKEN_INVALID('the page token is broken, or belongs to another query');
      }
      const after = start?.cursor as string | undefined;
      const found = await postgres.read(
        async (node) => {
          const locations = await listLocations(node, { areaCode, after, limit: pageSize + 1 });
          // Asked after the page was read, so the position is at least that of the page.
          const { rows } = await node.query<WalPosition>(walPositionStatement);
          return { locations, wal: rows[0], source: node.source };
        },
        { minWal: start?.wal },
      );
      const rows = found.locations.map(locationRow);
      const end = fitting(rows, pageSize);
      const last = end < rows.length ? found.locations[end - 1] : undefined;
      const nextPageToken = last ? pageTokens.sign({ query, cursor: last.locationId, wal: found.wal }) : '';
      return { bytes: locationsBytes(rows.slice(0, end), nextPageToken), source: found.source };
    },
  };
}
