-- Where each thing is: one denormalized row a thing, so that every listing is one index range of this table.
--
-- A row is in this service's own version (any change) and shows one version of the thing in player-state
-- (source_version). A consumed thing stays as a tombstone, so that an event that comes late does not revive it.
-- A location that is not known here leaves location_name and area_code empty until it is created.
create table game_item_locations (
  game_item_id uuid primary key,
  item_id text not null,
  item_name text not null,
  item_kind text not null,
  item_version bigint not null,
  quantity bigint not null check (quantity >= 0),
  owner_id uuid not null,
  owner_name text not null,
  owner_name_version bigint not null,
  location_id uuid,
  location_name text not null,
  area_code text not null,
  x double precision not null default 0,
  y double precision not null default 0,
  z double precision not null default 0,
  version bigint not null default 1,
  source_version bigint not null,
  consumed boolean not null,
  updated_at timestamptz not null default now(),
  constraint consumed_means_none_left check (consumed = (quantity = 0))
);

create index game_item_locations_by_owner on game_item_locations (owner_id, game_item_id) where not consumed;
create index game_item_locations_by_location on game_item_locations (location_id, game_item_id) where not consumed;
create index game_item_locations_by_area on game_item_locations (area_code, game_item_id) where not consumed;
create index game_item_locations_by_item on game_item_locations (item_id, game_item_id) where not consumed;

-- Every query of this database goes by the keys of an index and takes them in order. A bitmap or a scan reads all that
-- a filter has and sorts it, however short the page: a common item or place would cost its whole range each time.
do $$
begin
  execute format('alter database %I set enable_bitmapscan = off', current_database());
  execute format('alter database %I set enable_seqscan = off', current_database());
end
$$;

-- Grows with any change to where a player's things are. Raised after the rows of things, in player order.
create table player_versions (
  player_id uuid primary key,
  version bigint not null
);

create function raise_player_versions(p_players uuid[]) returns void
language sql as $$
  insert into player_versions as known (player_id, version)
  select distinct player_id, 1 from unnest(p_players) as touched (player_id) where player_id is not null order by player_id
  on conflict (player_id) do update set version = known.version + 1;
$$;

select runtime_may('select, insert, update', 'table game_item_locations');
select runtime_may('select, insert, update', 'table player_versions');
