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

/**
 * Changes the item that is at this version, and writes `event` to the outbox with it; undefined when it is at another
 * one by now.
 */
export function updateItem(
  primary: Reader,
  { itemId, version }: Pick<Item, 'itemId' | 'version'>,
  change: Partial<Pick<Item, 'name' | 'kind' | 'maxStack'>> & { firstContent?: object },
  event: object,
): Promise<Item | undefined> {
  return prisma(primary).$transaction(async (tx) => {
    const data = { ...change, version: { increment: 1 } };
    const [item] = await tx.item.updateManyAndReturn({ where: { itemId, version }, data });
    if (item) await tx.outboxEvent.create({ data: { event } });
    return item;
  });
}

/** Waits until what the primary shows is as durable as an acknowledged write. */
export async function confirmItems(primary: Reader): Promise<void> {
  await primary.query({ name: 'confirm_items', text: `select ${commitBarrier}`, values: [] });
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

/** At most `limit` items that a text means, best first. */
export async function searchItems(
  node: Reader,
  query: string,
  limit: number,
): Promise<{ items: Omit<Item, 'firstContent'>[]; asOf: Date }> {
  type Row = { item_id: string; name: string; kind: string; max_stack: string; version: string; created_at: Date };
  const { rows } = await node.query<(Row | { item_id: null }) & { as_of: Date }>({
    name: 'search_items',
    text: 'select s.*, as_of() as as_of from (select) one left join search_items($1, $2) s on true',
    values: [query, limit],
  });
  const found = rows.filter((row) => row.item_id !== null);
  const items = found.map((row) => ({
    itemId: row.item_id,
    name: row.name,
    kind: row.kind,
    maxStack: BigInt(row.max_stack),
    version: BigInt(row.version),
    createdAt: row.created_at,
  }));
  return { items, asOf: rows[0]!.as_of };
}
