import { create } from '@bufbuild/protobuf';
import {
  GetItemResponseSchema,
  ItemCatalogService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { type Handlers, type Implementation, implement } from './implementation.ts';

type Catalog = Handlers<typeof ItemCatalogService>;

/** A small service of the contract, whose handlers answer empty messages unless told otherwise. */
export function catalogWith(handlers: Partial<Catalog>): Implementation {
  return implement(ItemCatalogService, {
    createItem: async () => new Uint8Array(),
    getItem: async () => create(GetItemResponseSchema),
    listItems: async () => new Uint8Array(),
    ...handlers,
  });
}
