-- How many users are counted in an area and mode. Changed in the same transaction as area_mode_presence, never apart.
create table area_mode_events_agg (
  area_code text collate "C" not null,
  multiplayer_mode text collate "C" not null,
  current_count bigint not null check (current_count >= 0),
  primary key (area_code, multiplayer_mode)
);

select runtime_may('select', 'table area_mode_events_agg');
