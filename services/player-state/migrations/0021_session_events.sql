-- The LOGINs and LOGOUTs that area-stats has not yet answered for, written in the transaction of what they tell. A row is
-- deleted once it was answered. A queue of its own, apart from the outbox of things: it has one reader, which takes what it
-- sees by id. One player's events are written under a lock that is taken before their ids, so they are seen in order.
create table session_events (
  id bigint generated always as identity primary key,
  -- What makes a repeated delivery count once.
  event_id uuid not null default uuidv7(),
  player_id uuid not null,
  area_code text not null,
  multiplayer_mode text not null,
  event_name text not null check (event_name in ('LOGIN', 'LOGOUT')),
  event_time timestamptz not null
);

-- Those that area-stats refused for good, for operators to look at.
create table parked_session_events (
  event_id uuid primary key,
  player_id uuid not null,
  area_code text not null,
  multiplayer_mode text not null,
  event_name text not null,
  event_time timestamptz not null,
  reason text not null,
  parked_at timestamptz not null default now()
);
