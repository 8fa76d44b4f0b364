import { PrismaPg } from '@prisma/adapter-pg';
import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type pg from 'pg';
import { type Location, PrismaClient } from '../generated/prisma/client.ts';

export type { Location };

/** One Prisma client for each node's pool, which stays the caller's to close. */
const clients = new WeakMap<pg.Pool, PrismaClient>();

function prisma({ pool }: Reader): PrismaClient {
  let client = clients.get(pool);
  if (!client) {
    client = new PrismaClient({ adapter: new PrismaPg(pool) });
    clients.set(pool, client);
  }
  return client;
}

/** Creates a location unless its id exists; answers what is there now. Rows of things that waited for it follow by renames. */
export async function createLocation(
  primary: Reader,
  location: Pick<Location, 'locationId' | 'name' | 'areaCode'>,
): Promise<Location> {
  const { location: locations } = prisma(primary);
  const { count } = await locations.createMany({ data: [location], skipDuplicates: true });
  if (count === 0) await confirmLocations(primary);
  return locations.findUniqueOrThrow({ where: { locationId: location.locationId } });
}

/** Changes the location that is at this version; undefined when it is at another one by now. */
export async function updateLocation(
  primary: Reader,
  { locationId, version }: Pick<Location, 'locationId' | 'version'>,
  change: Partial<Pick<Location, 'name' | 'areaCode'>> & { firstContent?: object },
): Promise<Location | undefined> {
  const data = { ...change, version: { increment: 1 } };
  const [location] = await prisma(primary).location.updateManyAndReturn({ where: { locationId, version }, data });
  return location;
}

/** Waits until what the primary shows is as durable as an acknowledged write. */
export async function confirmLocations(primary: Reader): Promise<void> {
  await primary.query({ name: 'confirm_locations', text: `select ${commitBarrier}`, values: [] });
}

export function findLocation(node: Reader, locationId: string): Promise<Location | null> {
  return prisma(node).location.findUnique({ where: { locationId } });
}

/** At most `limit` locations by id, of one area or of all, above the id `after`. */
export function listLocations(
  node: Reader,
  { areaCode, after, limit }: { areaCode: string; after: string | undefined; limit: number },
): Promise<Location[]> {
  return prisma(node).location.findMany({
    where: { ...(areaCode && { areaCode }), ...(after && { locationId: { gt: after } }) },
    orderBy: { locationId: 'asc' },
    take: limit,
  });
}
