-- The latest event of each user in an area and mode: the greatest event_time, ties by the greatest event_id.
create table area_mode_presence (
  area_code text collate "C" not null,
  multiplayer_mode text collate "C" not null,
  user_id text collate "C" not null,
  event_time timestamptz not null,
  event_id uuid not null,
  -- Whether the latest event is LOGIN.
  present boolean not null,
  -- Whether the user is part of area_mode_events_agg.current_count.
  counted boolean not null,
  -- Until when a presence counts without being renewed. Null: for ever.
  lease_until timestamptz,
  primary key (area_code, multiplayer_mode, user_id)
);

select runtime_may('select', 'table area_mode_presence');
