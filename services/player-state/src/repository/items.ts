import { PrismaPg } from '@prisma/adapter-pg';
import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type pg from 'pg';
import { type Item, Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type { Item };

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

/** Creates the item, and `event` in the outbox with it, unless its id exists; answers what is there now. */
export function createItem(
  primary: Reader,
  item: Pick<Item, 'itemId' | 'name' | 'kind' | 'maxStack'>,
  event: object,
): Promise<Item> {
  return prisma(primary).$transaction(async (tx) => {
    const { count } = await tx.item.createMany({ data: [item], skipDuplicates: true });
    if (count > 0) await tx.outboxEvent.create({ data: { event } });
    else await tx.$queryRaw(Prisma.sql`select ${Prisma.raw(commitBarrier)}::text`);
    return tx.item.findUniqueOrThrow({ where: { itemId: item.itemId } });
  });
}

export function findItem(node: Reader, itemId: string): Promise<Item | null> {
  return prisma(node).item.findUnique({ where: { itemId } });
}

/** At most `limit` items by id, above the id `after`. */
export function listItems(node: Reader, after: string | undefined, limit: number): Promise<Item[]> {
  return prisma(node).item.findMany({
    where: after === undefined ? {} : { itemId: { gt: after } },
    orderBy: { itemId: 'asc' },
    take: limit,
  });
}
