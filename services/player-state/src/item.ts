import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Item as ItemMessage, ItemSchema } from '@realmkeep/proto/realmkeep/player_state/v1/item';
import type {
  CreateItemRequest,
  UpdateItemRequest,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import type { Item } from './repository/items.ts';

/** What a request makes of a catalog item. */
export type NewItem = Pick<Item, 'itemId' | 'name' | 'kind' | 'maxStack'>;

export function toNewItem({ itemId, name, kind, maxStack }: CreateItemRequest): NewItem {
  return { itemId, name, kind, maxStack: maxStack || 1n };
}

/** What a request changes of a catalog item: the fields that it has. */
export type ItemChange = Partial<Omit<NewItem, 'itemId'>>;

export function toItemChange({ name, kind, maxStack }: UpdateItemRequest): ItemChange {
  return {
    ...(name !== undefined && { name }),
    ...(kind !== undefined && { kind }),
    ...(maxStack !== undefined && { maxStack }),
  };
}

/** The outbox's event of an item at a version, in the protobuf JSON form. */
export function itemEvent({ itemId, name, kind }: NewItem, version: bigint): object {
  return { item: { itemId, name, kind, version: `${version}` } };
}

/** Whether two have the same content. */
export function isSameItem(one: NewItem, other: NewItem): boolean {
  return one.name === other.name && one.kind === other.kind && one.maxStack === other.maxStack;
}

type FirstContent = { name: string; kind: string; maxStack: string };

/** What is kept of an item when it is changed for the first time. */
export function firstContent({ name, kind, maxStack }: NewItem): FirstContent {
  return { name, kind, maxStack: `${maxStack}` };
}

/** The item as it was created. */
export function asCreated(item: Item): Item {
  if (item.firstContent === null) return item;
  const { name, kind, maxStack } = item.firstContent as FirstContent;
  return { ...item, name, kind, maxStack: BigInt(maxStack), version: 1n };
}

export function toItem({ itemId, name, kind, maxStack, version, createdAt }: Omit<Item, 'firstContent'>): ItemMessage {
  return create(ItemSchema, { itemId, name, kind, maxStack, version, createTime: timestampFromDate(createdAt) });
}
