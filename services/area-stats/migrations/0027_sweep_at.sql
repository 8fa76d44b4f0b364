-- When the sweep looks at a presence: never later than its lease ends, while it counts. Null: never.
--
-- What moves a lease on leaves this where it is; the sweep, which then looks too early, moves it. So neither an event nor a
-- renewal of a known presence changes what an index knows, and the row is updated in place.
alter table area_mode_presence add column sweep_at timestamptz;
alter table area_mode_presence set (fillfactor = 70);
drop index area_mode_presence_lease;
update area_mode_presence set sweep_at = lease_until where counted and lease_until is not null;
create index area_mode_presence_sweep on area_mode_presence (sweep_at) where sweep_at is not null;

-- Looks at no more than `p_limit` presences and returns at how many; 0 also while another call sweeps. Called until it
-- returns less than asked, each call being a transaction of its own. A presence whose lease has run out leaves the count;
-- `present`, the latest event and the lease stay: so a late duplicate changes nothing, a late LOGOUT takes off nothing
-- twice, and a renewal counts again.
--
-- A presence that another call is writing is left for the next sweep, so this waits for counts alone. Whoever holds those
-- waits for no presence any more.
create or replace function sweep_presences(p_limit integer) returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- Rows are found by their keys, however many there are: a plan made while the table was small stays right.
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_looked integer;
  v_area_codes text[];
  v_multiplayer_modes text[];
  v_deltas bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtext('area_stats.sweep_presences')) then
    return 0;
  end if;
  with due as materialized (
    select area_code, multiplayer_mode, user_id from area_mode_presence
    where sweep_at < v_now
    order by sweep_at limit p_limit
    for no key update skip locked
  ), looked as (
    update area_mode_presence as presence set
      counted = presence.counted and (presence.lease_until is null or presence.lease_until >= v_now),
      sweep_at = case when presence.counted and presence.lease_until >= v_now then presence.lease_until end
    from due
    where presence.area_code = due.area_code and presence.multiplayer_mode = due.multiplayer_mode
      and presence.user_id = due.user_id
    returning new.area_code, new.multiplayer_mode, new.counted::int - old.counted::int as delta
  ), changed as (
    select area_code, multiplayer_mode, sum(delta) as delta
    from looked group by area_code, multiplayer_mode having sum(delta) <> 0
  )
  select (select count(*) from looked), array_agg(area_code), array_agg(multiplayer_mode), array_agg(delta)
  into v_looked, v_area_codes, v_multiplayer_modes, v_deltas
  from changed;

  perform change_counts(v_area_codes, v_multiplayer_modes, v_deltas);
  return v_looked;
end
$$;

-- Moves the leases of presences on to p_lease from now, never back; element i of every array is presence i. A presence
-- without a lease stays so. One that was swept counts again, so that it does not matter whether a sweep came before a
-- renewal that was late. Returns, in the order given, whether the latest event there is LOGIN; the others are unchanged.
--
-- Presences are locked in the order of their keys, then counts in the order of theirs, as record_events does.
create or replace function renew_presences(
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
      lease_until = case when presence.lease_until is not null then greatest(presence.lease_until, v_until) end,
      -- It has one already unless it was swept, or has no lease.
      sweep_at = case when presence.lease_until is not null
        then coalesce(presence.sweep_at, greatest(presence.lease_until, v_until)) end
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

  perform change_counts(v_area_codes, v_multiplayer_modes, v_counts);
  return v_renewed;
end
$$;
