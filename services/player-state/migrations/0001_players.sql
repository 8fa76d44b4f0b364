-- A player. Every write to what a player has first locks this row, in player_id order, so that no two writes deadlock.
create table players (
  player_id uuid primary key,
  display_name text not null check (length(display_name) between 1 and 255),
  -- Grows by one with every transaction that touches the player.
  version bigint not null default 1,
  -- Grows with every change of the name.
  name_version bigint not null default 1,
  -- How many game items the player holds: equal to the count of its rows in game_items.
  item_count integer not null default 0 check (item_count >= 0),
  -- The greatest outbox position of the player's writes: what a follower must have applied to know them all.
  outbox_xid bigint not null,
  outbox_id bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
) with (fillfactor = 85);
