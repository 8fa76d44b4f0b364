-- Drops the event log's partitions of the days (UTC) that ended longer than `p_keep` ago and returns how many. Dropping
-- waits for the statements that are recording, and those that come wait for it: for a second at most, then it gives up.
create function drop_event_partitions(p_keep interval) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '1s'
as $$
declare
  v_name text;
  v_dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('area_stats.ensure_event_partitions'));
  for v_name in
    select inhrelid::regclass::text from pg_inherits
    where inhparent = 'public.area_mode_events'::regclass
      and to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') + 1
        <= (clock_timestamp() - p_keep) at time zone 'UTC'
    order by 1
  loop
    execute format('drop table public.%I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end
$$;

revoke all on function drop_event_partitions(interval) from public;
select runtime_may('execute', 'function drop_event_partitions(interval)');
