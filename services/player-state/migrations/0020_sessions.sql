-- A player's time online, by the id that its starter chose. It is live until something ends it: its end, the start of the
-- player's next one, or the sweep that follows the end of its lease. The last one of a player is kept for good: it says
-- where and when the player was last seen.
create table sessions (
  session_id uuid primary key,
  player_id uuid not null,
  area_code text not null check (length(area_code) between 1 and 255),
  multiplayer_mode text not null check (length(multiplayer_mode) between 1 and 255),
  started_at timestamptz not null,
  -- The latest heartbeat, or the start.
  last_seen_at timestamptz not null check (last_seen_at >= started_at),
  -- Heartbeats move it on.
  lease_until timestamptz not null check (lease_until > started_at),
  ended_at timestamptz check (ended_at > started_at and ended_at >= last_seen_at)
) with (fillfactor = 85);

-- One live session a player, whoever writes it.
create unique index sessions_live on sessions (player_id) where ended_at is null;
-- A player's last session. The times of one player's starts and ends strictly grow.
create unique index sessions_player on sessions (player_id, started_at);
-- What the sweep looks for: a heartbeat pays for it, so that a sweep costs what it ends and not what is live.
create index sessions_lease on sessions (lease_until) where ended_at is null;
-- For trimming. A summary of blocks, so it costs a write next to nothing.
create index sessions_ended on sessions using brin (ended_at) with (pages_per_range = 16);
