-- Counts are changed in one place, which also appends what changes in the totals of their areas. Triggers did that for
-- each row and each statement, at several times the cost of changing the row.
drop trigger area_mode_events_agg_version on area_mode_events_agg;
drop trigger area_mode_events_agg_inserted on area_mode_events_agg;
drop trigger area_mode_events_agg_updated on area_mode_events_agg;
drop function count_version();
drop function append_area_changes();

-- Adds deltas other than 0 to counts, each of another area and mode, and appends what they change in areas. A count that
-- is not there yet is 0. Locks the counts in the order of their keys, whatever the order given.
create function change_counts(p_area_codes text[], p_multiplayer_modes text[], p_deltas bigint[]) returns void
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- Rows are found by their keys, however many there are: a plan made while the table was small stays right.
set enable_seqscan = off
as $$
declare
  v_change record;
begin
  for v_change in
    select area_code, multiplayer_mode, delta
    from unnest(p_area_codes, p_multiplayer_modes, p_deltas) as change (area_code, multiplayer_mode, delta)
    order by area_code collate "C", multiplayer_mode collate "C"
  loop
    update area_mode_events_agg set current_count = current_count + v_change.delta, version = version + 1
    where area_code = v_change.area_code and multiplayer_mode = v_change.multiplayer_mode;
    continue when found;
    insert into area_mode_events_agg as agg (area_code, multiplayer_mode, current_count)
    values (v_change.area_code, v_change.multiplayer_mode, v_change.delta)
    on conflict (area_code, multiplayer_mode) do update
    set current_count = agg.current_count + excluded.current_count, version = agg.version + 1;
  end loop;

  insert into area_changes (area_code, delta)
  select area_code, sum(delta) from unnest(p_area_codes, p_deltas) as change (area_code, delta)
  group by area_code having sum(delta) <> 0;
end
$$;

revoke all on function change_counts(text[], text[], bigint[]) from public;
select runtime_may('', 'function change_counts(text[], text[], bigint[])');
