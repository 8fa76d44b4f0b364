-- What happened, as it was received: append-only, one partition for each day (UTC) of receipt.
--
-- Names are compared and sorted by their bytes (collation "C"): the same order in every installation.
create table area_mode_events (
  received_at timestamptz not null,
  event_id uuid not null,
  event_time timestamptz not null,
  area_code text collate "C" not null check (char_length(area_code) between 1 and 255),
  multiplayer_mode text collate "C" not null check (char_length(multiplayer_mode) between 1 and 255),
  user_id text collate "C" not null check (char_length(user_id) between 1 and 255),
  event_name text collate "C" not null check (event_name in ('LOGIN', 'LOGOUT')),
  -- received_at leads: it grows, so the index is appended to rather than written at random places.
  primary key (received_at, event_id)
) partition by range (received_at);

-- Makes the partitions of today and of the `p_days_ahead` days after it that are missing, and returns how many were.
-- Attaching lets recording go on meanwhile, which `create table ... partition of` would not.
create function ensure_event_partitions(p_days_ahead integer default 7) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_today date := (clock_timestamp() at time zone 'UTC')::date;
  v_day date;
  v_name text;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('area_stats.ensure_event_partitions'));
  for v_day in select v_today + ahead from generate_series(0, p_days_ahead) as ahead loop
    v_name := 'area_mode_events_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass('public.' || v_name) is not null;
    execute format('create table public.%I (like public.area_mode_events including all)', v_name);
    perform public.runtime_may('', format('table public.%I', v_name));
    execute format(
      'alter table public.area_mode_events attach partition public.%I for values from (%L) to (%L)',
      v_name, v_day || ' 00:00:00+00', (v_day + 1) || ' 00:00:00+00'
    );
    v_made := v_made + 1;
  end loop;
  return v_made;
end
$$;

revoke all on function ensure_event_partitions(integer) from public;
select runtime_may('execute', 'function ensure_event_partitions(integer)');
select runtime_may('select', 'table area_mode_events');

select ensure_event_partitions();
