-- Moves the leases of presences on to p_lease from now, never back; element i of every array is presence i. A presence
-- without a lease stays so. One that was swept counts again, so that it does not matter whether a sweep came before a
-- renewal that was late. Returns, in the order given, whether the latest event there is LOGIN; the others are unchanged.
--
-- Presences are locked in the order of their keys, then counts in the order of theirs, as record_events does.
create function renew_presences(
  p_area_codes text[],
  p_multiplayer_modes text[],
  p_user_ids text[],
  p_lease interval
) returns boolean[]
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- Rows are found by their keys, however many there are: a plan made while the table was small stays right.
set enable_seqscan = off
set enable_mergejoin = off
as $$
declare
  v_until timestamptz := clock_timestamp() + p_lease;
  v_area_codes text[];
  v_multiplayer_modes text[];
  v_counts bigint[];
  v_renewed boolean[];
  v_change record;
begin
  with given as materialized (
    select area_code collate "C" as area_code, multiplayer_mode collate "C" as multiplayer_mode,
      user_id collate "C" as user_id, ordinal
    from unnest(p_area_codes, p_multiplayer_modes, p_user_ids) with ordinality
      as e (area_code, multiplayer_mode, user_id, ordinal)
  ), locked as materialized (
    select presence.area_code, presence.multiplayer_mode, presence.user_id
    from (select distinct area_code, multiplayer_mode, user_id from given) as wanted
    join area_mode_presence as presence using (area_code, multiplayer_mode, user_id)
    where presence.present
    order by presence.area_code, presence.multiplayer_mode, presence.user_id
    for no key update of presence
  ), renewed as (
    update area_mode_presence as presence
    set counted = true,
      lease_until = case when presence.lease_until is not null then greatest(presence.lease_until, v_until) end
    from locked
    where presence.area_code = locked.area_code and presence.multiplayer_mode = locked.multiplayer_mode
      and presence.user_id = locked.user_id
    returning new.area_code, new.multiplayer_mode, new.user_id, old.counted as was_counted
  ), changed as (
    select area_code, multiplayer_mode, count(*) as users
    from renewed where not was_counted group by area_code, multiplayer_mode
  )
  select
    (select array_agg(renewed.user_id is not null order by given.ordinal)
      from given left join renewed using (area_code, multiplayer_mode, user_id)),
    (select array_agg(area_code order by area_code, multiplayer_mode) from changed),
    (select array_agg(multiplayer_mode order by area_code, multiplayer_mode) from changed),
    (select array_agg(users order by area_code, multiplayer_mode) from changed)
  into v_renewed, v_area_codes, v_multiplayer_modes, v_counts;

  for v_change in
    select * from unnest(v_area_codes, v_multiplayer_modes, v_counts) as change (area_code, multiplayer_mode, users)
  loop
    update area_mode_events_agg set current_count = current_count + v_change.users
    where area_code = v_change.area_code and multiplayer_mode = v_change.multiplayer_mode;
  end loop;
  return v_renewed;
end
$$;

revoke all on function renew_presences(text[], text[], text[], interval) from public;
select runtime_may('execute', 'function renew_presences(text[], text[], text[], interval)');
