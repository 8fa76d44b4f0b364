-- One thing, or one stack of equal things. It is written only under its owner's player lock, and by apply_transactions
-- alone, which checks owner and item: foreign keys would lock the catalog's rows in every grant.
create table game_items (
  -- Grows with time, so that the order of ids is the order of grants.
  game_item_id uuid primary key default uuidv7(),
  owner_id uuid not null,
  item_id text not null,
  quantity bigint not null check (quantity > 0),
  -- Grows with every change to this thing, also across owners.
  version bigint not null default 1,
  granted_location_id uuid,
  created_at timestamptz not null
) with (fillfactor = 90);

create index game_items_owner on game_items (owner_id, game_item_id);
