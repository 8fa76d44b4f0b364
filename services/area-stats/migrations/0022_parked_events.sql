-- Queued events that could not be recorded, with the reason. They hold nothing up; an operator records them again or
-- discards them. `entry` names the place in the queue that an event came from, so that it is parked once however often
-- its consumer begins anew.
create table parked_events (
  parked_event_id bigint generated always as identity primary key,
  entry text not null unique,
  -- As it was queued: JSON with the names of the REST API, unless it is not an event at all.
  event text not null,
  reason text not null,
  message text not null,
  parked_at timestamptz not null default clock_timestamp()
);

select runtime_may('select, insert, delete', 'table parked_events');
