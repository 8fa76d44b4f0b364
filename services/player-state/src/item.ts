import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Item as ItemMessage, ItemSchema } from '@realmkeep/proto/realmkeep/player_state/v1/item';
import type { CreateItemRequest } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import type { Item } from './repository/items.ts';

/** What a request makes of a catalog item. */
export type NewItem = Pick<Item, 'itemId' | 'name' | 'kind' | 'maxStack'>;

export function toNewItem({ itemId, name, kind, maxStack }: CreateItemRequest): NewItem {
  return { itemId, name, kind, maxStack: maxStack || 1n };
}

/** The outbox's event of a new item, in the protobuf JSON form. */
export function createdEvent({ itemId, name, kind }: NewItem): object {
  return { item: { itemId, name, kind, version: '1' } };
}

/** Whether an item was created with this content. */
export function isSameItem(found: Item, asked: NewItem): boolean {
  return found.name === asked.name && found.kind === asked.kind && found.maxStack === asked.maxStack;
}

export function toItem({ itemId, name, kind, maxStack, version, createdAt }: Item): ItemMessage {
  return create(ItemSchema, { itemId, name, kind, maxStack, version, createTime: timestampFromDate(createdAt) });
}
