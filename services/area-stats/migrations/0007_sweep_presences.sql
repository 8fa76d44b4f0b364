-- Takes at most `p_limit` presences whose lease has run out off the counts and returns how many; 0 also while another call
-- sweeps. Called until it returns less than asked, each call being a transaction of its own. `present`, the latest event and
-- the lease stay: so a late duplicate changes nothing, a late LOGOUT takes off nothing twice, and a renewal counts again.
--
-- A presence that another call is writing is left for the next sweep, so this waits for counts alone. Whoever holds those
-- waits for no presence any more.
create function sweep_presences(p_limit integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- Rows are found by their keys, however many there are: a plan made while the table was small stays right.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_swept integer := 0;
  v_change record;
begin
  if not pg_try_advisory_xact_lock(hashtext('area_stats.sweep_presences')) then
    return 0;
  end if;
  for v_change in
    with due as materialized (
      select area_code, multiplayer_mode, user_id from area_mode_presence
      where counted and lease_until < v_now
      order by lease_until limit p_limit
      for no key update skip locked
    ), swept as (
      update area_mode_presence as presence set counted = false
      from due
      where presence.area_code = due.area_code and presence.multiplayer_mode = due.multiplayer_mode
        and presence.user_id = due.user_id
      returning presence.area_code, presence.multiplayer_mode
    )
    select area_code, multiplayer_mode, count(*)::integer as users
    from swept group by area_code, multiplayer_mode order by area_code, multiplayer_mode
  loop
    update area_mode_events_agg set current_count = current_count - v_change.users
    where area_code = v_change.area_code and multiplayer_mode = v_change.multiplayer_mode;
    v_swept := v_swept + v_change.users;
  end loop;
  return v_swept;
end
$$;

revoke all on function sweep_presences(integer) from public;
select runtime_may('execute', 'function sweep_presences(integer)');
