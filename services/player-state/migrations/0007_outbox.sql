-- What other services follow: the whole new state of each thing that changed, written in the change's own transaction.
-- Ids commit out of order, so readers go in (xid, id) order and stay below the oldest running transaction.
create table outbox (
  xid bigint not null default pg_current_xact_id()::text::bigint,
  id bigint generated always as identity,
  -- An ItemEvent in the protobuf JSON form.
  event json not null,
  created_at timestamptz not null default now(),
  primary key (xid, id)
);

-- The position up to which the outbox has been trimmed: a follower that is not past it has missed events.
create table outbox_trim (
  singleton boolean primary key default true check (singleton),
  xid bigint not null,
  id bigint not null
);

insert into outbox_trim (xid, id) values (0, 0);

-- Deletes at most p_limit events older than p_age, oldest first, and moves the trim position with them; returns how
-- many. One caller at a time does the work, others return 0.
create function trim_outbox(p_age interval, p_limit integer) returns integer
language plpgsql
as $$
declare
  v_trimmed integer;
begin
  perform from outbox_trim for update skip locked;
  if not found then
    return 0;
  end if;
  with oldest as (
    select o.xid, o.id, o.created_at from outbox o order by o.xid, o.id limit p_limit
  ), gone as (
    delete from outbox o using oldest d
    where o.xid = d.xid and o.id = d.id and d.created_at < now() - p_age
    returning o.xid, o.id
  ), moved as (
    update outbox_trim t set xid = g.xid, id = g.id
    from (select xid, id from gone order by xid desc, id desc limit 1) g
  )
  select count(*) into v_trimmed from gone;
  return v_trimmed;
end
$$;
