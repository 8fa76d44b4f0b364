-- What every service's database tells about the node that is asked.

-- One row, written on the primary about each second by any process of the service. A replica's copy of it says how
-- old its data are, also when nothing else is written.
create table heartbeat (
  singleton boolean primary key check (singleton),
  at timestamptz not null,
  -- The primary's timeline when it wrote this: a replica shows it once it replays that history.
  timeline int not null
);

-- The time up to which this node has everything that was acknowledged.
create function as_of() returns timestamptz
language sql stable parallel safe
as $$
  select case when pg_is_in_recovery() then (select at from heartbeat) else statement_timestamp() end
$$;

-- The place in the log up to which this node's data go: written on a primary, replayed on a replica.
-- A replica's timeline is that of the newest heartbeat that it has replayed; a primary knows its own.
create function wal_position() returns table (timeline int, lsn pg_lsn)
language sql stable
as $$
  select
    case
      when pg_is_in_recovery() then (select heartbeat.timeline from heartbeat)
      else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    end,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end
$$;

insert into heartbeat select true, clock_timestamp(), timeline from wal_position();

-- Gives the runtime role exactly these privileges on an object, whatever default privileges gave it before:
-- select runtime_may('select, insert', 'table transactions'). The role bears the name of the database; where there is
-- no such role nothing is granted.
create function runtime_may(privileges text, object text) returns void
language plpgsql
as $$
begin
  if not exists (select from pg_roles where rolname = current_database()) then
    return;
  end if;
  execute format('revoke all on %s from %I', object, current_database());
  if privileges <> '' then
    execute format('grant %s on %s to %I', privileges, object, current_database());
  end if;
end
$$;

revoke all on function runtime_may(text, text) from public;
select runtime_may('', 'function runtime_may(text, text)');
select runtime_may('usage', 'schema public');
select runtime_may('select, update', 'table heartbeat');
select runtime_may('select', 'table schema_migrations');
select runtime_may('', 'sequence schema_migrations_id_seq');
