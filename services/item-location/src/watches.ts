import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { createWatchHub, type WatchHub, type WatchSource } from '@realmkeep/kit/watch/hub';
import type { Watched } from '@realmkeep/kit/watch/watched';
import { WatchItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import type { ListingCache } from './cache/listings.ts';
import { refuse } from './errors.ts';
import { fromWatchKey, listingVersion, toWatchKey, WATCHED_PAGE_SIZE } from './first-page.ts';
import { findListingVersions } from './repository/first-pages.ts';

/**
 * Starts the watches of listings, by their watch keys. What they are sent are WatchItemLocationsResponses. A page is read
 * through the cache; whether there is a newer one, each second, from the database: a cache that is away or has missed
 * something delays an update, and loses none.
 */
export function startWatches({
  listings,
  postgres,
  meter,
  logger,
  heartbeatMs,
}: {
  listings: Pick<ListingCache, 'get' | 'onChange'>;
  postgres: Pick<PostgresNodes, 'read'>;
  meter: Telemetry['meter'];
  logger: Pick<Logger, 'warn'>;
  heartbeatMs: number;
}): WatchHub {
  async function loadOne(key: string, floor: bigint): Promise<Watched | Error> {
    try {
      const page = { ...fromWatchKey(key), pageSize: WATCHED_PAGE_SIZE };
      const found = await listings.get(page, floor);
      const version = BigInt(listingVersion(found.version));
      // The page's fields are the step's fields; encoded messages one after the other are one message.
      const tail = toBinary(WatchItemLocationsResponseSchema, create(WatchItemLocationsResponseSchema, { version }));
      return { version, bytes: Buffer.concat([found.bytes, tail]), asOf: found.asOf };
    } catch (error) {
      return error as Error;
    }
  }

  const source: WatchSource = {
    async load(floors) {
      const loaded = new Map<string, Watched | Error>();
      await Promise.all([...floors].map(async ([key, floor]) => loaded.set(key, await loadOne(key, floor))));
      return loaded;
    },
    async newer(known) {
      const watched = [...known.keys()].map(fromWatchKey);
      const idsBy = (by: 'owner' | 'location') => watched.filter((each) => each.by === by).map(({ id }) => id);
      const { versions, asOf } = await postgres.read((node) =>
        findListingVersions(node, { playerIds: idsBy('owner'), locationIds: idsBy('location') }),
      );
      const newer = versions
        .map(({ version, ...listing }): [string, bigint] => [toWatchKey(listing), version])
        .filter(([key, version]) => version > known.get(key)!);
      return { versions: new Map(newer), asOf: asOf.getTime() };
    },
    absent: () => refuse.LOCATION_NOT_FOUND('there is no such listing'),
    heartbeat: (asOf) =>
      toBinary(
        WatchItemLocationsResponseSchema,
        create(WatchItemLocationsResponseSchema, asOf === undefined ? {} : { asOf: timestampFromMs(asOf) }),
      ),
  };

  const hub = createWatchHub({ name: 'item_location', source, meter, logger, heartbeatMs });
  const deaf = listings.onChange((listing) => hub.changed(toWatchKey(listing)));
  return {
    ...hub,
    close() {
      deaf();
      return hub.close();
    },
  };
}
