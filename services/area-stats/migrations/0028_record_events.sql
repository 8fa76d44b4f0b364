-- Records a batch of events in one transaction; element i of every array is event i. A null time means the time of
-- receipt. Returns one outcome for each event, in the order given: 1 recorded, 2 duplicate, 3 too old, 4 in the future.
--
-- Within a batch the first event of an id wins. An id that was recorded is a duplicate whatever its time says now, so
-- that a late retry is told the truth.
--
-- Receipt. Event i of those that are recorded is received at the database's clock at the start plus i microseconds, so
-- events without a time are strictly increasing in the order of arrival. The call does not return before the clock has
-- passed the last of them, so a call made after this one has answered begins later than all of its events.
--
-- Lease. A LOGIN that becomes its user's latest event counts for p_lease from its receipt, or for ever where p_lease is
-- null. What was swept before counts again, because it is another event.
--
-- Locks are taken in one order by every call (event ids, then presences, then counts, each sorted by its key), so
-- concurrent batches wait for each other but never deadlock.
create or replace function record_events(
  p_event_ids uuid[],
  p_area_codes text[],
  p_multiplayer_modes text[],
  p_user_ids text[],
  p_event_names text[],
  p_event_times timestamptz[],
  p_max_lateness interval,
  p_max_skew interval,
  p_lease interval default interval '24 hours'
) returns smallint[]
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_start timestamptz := clock_timestamp();
  v_end timestamptz := v_start + cardinality(p_event_ids) * interval '1 microsecond';
  v_outcomes smallint[];
  v_area_codes text[];
  v_multiplayer_modes text[];
  v_deltas bigint[];
begin
  if not exists (
    select from unnest(p_event_times) as given (event_time)
    where event_time < v_start - p_max_lateness or event_time > v_start + p_max_skew
  ) then
    -- Mostly all events are new. To insert ids that are expected to be new costs half of what it costs to ask for each;
    -- where one is not, whatever this block did is undone, and each is judged.
    begin
      insert into event_ids (event_id, received_at)
      select event_id, v_start from unnest(p_event_ids) as given (event_id) order by event_id;
      v_outcomes := array_fill(1::smallint, array[cardinality(p_event_ids)]);
    exception when unique_violation then
      v_outcomes := null;
    end;
  end if;

  if v_outcomes is null then
    v_outcomes := claim_event_ids(p_event_ids, p_event_times, v_start, p_max_lateness, p_max_skew);
    select array_agg(event_id order by ordinal), array_agg(area_code order by ordinal),
      array_agg(multiplayer_mode order by ordinal), array_agg(user_id order by ordinal),
      array_agg(event_name order by ordinal), array_agg(event_time order by ordinal)
    into p_event_ids, p_area_codes, p_multiplayer_modes, p_user_ids, p_event_names, p_event_times
    from unnest(v_outcomes, p_event_ids, p_area_codes, p_multiplayer_modes, p_user_ids, p_event_names, p_event_times)
      with ordinality
      as e (outcome, event_id, area_code, multiplayer_mode, user_id, event_name, event_time, ordinal)
    where outcome = 1;
  end if;

  -- From here on the arrays hold the events that are recorded.
  insert into area_mode_events
    (received_at, event_id, event_time, area_code, multiplayer_mode, user_id, event_name)
  select v_start + ordinal * interval '1 microsecond', event_id,
    coalesce(event_time, v_start + ordinal * interval '1 microsecond'), area_code, multiplayer_mode, user_id, event_name
  from unnest(p_event_ids, p_area_codes, p_multiplayer_modes, p_user_ids, p_event_names, p_event_times)
    with ordinality as e (event_id, area_code, multiplayer_mode, user_id, event_name, event_time, ordinal);

  with latest as (
    select distinct on (area_code collate "C", multiplayer_mode collate "C", user_id collate "C")
      area_code, multiplayer_mode, user_id, event_time, event_id, event_name = 'LOGIN' as present,
      case when event_name = 'LOGIN' then v_start + ordinal * interval '1 microsecond' + p_lease end as lease_until
    from (
      select event_id, area_code, multiplayer_mode, user_id, event_name, ordinal,
        coalesce(event_time, v_start + ordinal * interval '1 microsecond') as event_time
      from unnest(p_event_ids, p_area_codes, p_multiplayer_modes, p_user_ids, p_event_names, p_event_times)
        with ordinality as e (event_id, area_code, multiplayer_mode, user_id, event_name, event_time, ordinal)
    ) as recorded
    order by area_code collate "C", multiplayer_mode collate "C", user_id collate "C", event_time desc, event_id desc
  ), moved as (
    insert into area_mode_presence as presence
      (area_code, multiplayer_mode, user_id, event_time, event_id, present, counted, lease_until, sweep_at)
    select area_code, multiplayer_mode, user_id, event_time, event_id, present, present, lease_until, lease_until
    from latest
    order by area_code collate "C", multiplayer_mode collate "C", user_id collate "C"
    on conflict (area_code, multiplayer_mode, user_id) do update
    set event_time = excluded.event_time, event_id = excluded.event_id, present = excluded.present,
      counted = excluded.counted, lease_until = excluded.lease_until,
      sweep_at = least(presence.sweep_at, excluded.sweep_at)
    where (excluded.event_time, excluded.event_id) > (presence.event_time, presence.event_id)
    returning new.area_code, new.multiplayer_mode, new.counted::int - coalesce(old.counted, false)::int as delta
  ), changed as (
    select area_code, multiplayer_mode, sum(delta) as delta
    from moved group by area_code, multiplayer_mode having sum(delta) <> 0
  )
  select array_agg(area_code), array_agg(multiplayer_mode), array_agg(delta)
  into v_area_codes, v_multiplayer_modes, v_deltas
  from changed;

  perform change_counts(v_area_codes, v_multiplayer_modes, v_deltas);

  if clock_timestamp() <= v_end then
    perform pg_sleep(extract(epoch from v_end - clock_timestamp()) + 0.000001);
  end if;
  return v_outcomes;
end
$$;

-- Claims the ids of those events that are within the accepted times and new, and returns one outcome for each event.
create function claim_event_ids(
  p_event_ids uuid[],
  p_event_times timestamptz[],
  p_start timestamptz,
  p_max_lateness interval,
  p_max_skew interval
) returns smallint[]
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- The planner does not know how long the arrays are; a nested loop over two of them would be quadratic. Tables are
-- therefore never joined here, but looked up by on conflict or by = any.
set enable_nestloop = off
as $$
declare
  v_outcomes smallint[];
  v_refused_ids uuid[];
begin
  with given as materialized (
    select ordinal, event_id,
      case
        when event_time < p_start - p_max_lateness then 3
        when event_time > p_start + p_max_skew then 4
        else 2
      end as unrecorded,
      -- Tells the events of the batch apart.
      p_start + ordinal * interval '1 microsecond' as received_at
    from unnest(p_event_ids, p_event_times) with ordinality as e (event_id, event_time, ordinal)
  ), fresh as (
    insert into event_ids (event_id, received_at)
    select distinct on (event_id) event_id, received_at from given where unrecorded = 2 order by event_id, ordinal
    on conflict (event_id) do nothing
    returning received_at
  )
  select array_agg((case when fresh.received_at is null then given.unrecorded else 1 end)::smallint
    order by given.ordinal)
  into v_outcomes
  from given left join fresh using (received_at);

  -- Rare: an event outside of the accepted times is a duplicate if its id was recorded, before or earlier in this batch.
  if 3 = any (v_outcomes) or 4 = any (v_outcomes) then
    v_refused_ids := array(
      select event_id from unnest(p_event_ids, v_outcomes) as judged (event_id, outcome) where outcome in (3, 4)
    );
    with known as materialized (
      select event_id from event_ids where event_id = any (v_refused_ids)
    ), judged as materialized (
      select * from unnest(p_event_ids, v_outcomes) with ordinality as judged (event_id, outcome, ordinal)
    )
    select array_agg(
      case when judged.outcome in (3, 4) and known.event_id is not null and later.event_id is null
        then 2::smallint else judged.outcome end
      order by judged.ordinal
    )
    into v_outcomes
    from judged
    left join known using (event_id)
    left join judged as later
      on later.event_id = judged.event_id and later.outcome = 1 and later.ordinal > judged.ordinal;
  end if;
  return v_outcomes;
end
$$;

revoke all on function claim_event_ids(uuid[], timestamptz[], timestamptz, interval, interval) from public;
select runtime_may('', 'function claim_event_ids(uuid[], timestamptz[], timestamptz, interval, interval)');
