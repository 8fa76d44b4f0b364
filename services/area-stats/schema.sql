create sequence schema_migrations_id_seq as integer increment 1 minvalue 1 maxvalue 2147483647 start 1 cache 1;

create table area_changes (
  change_id bigint not null generated always as identity,
  area_code text not null collate "C",
  delta bigint not null,
  changed_at timestamp with time zone not null default clock_timestamp(),
  constraint area_changes_pkey PRIMARY KEY (change_id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_cost_delay=0);

create table area_fold (
  singleton boolean not null,
  folded_at timestamp with time zone not null,
  first_change_id bigint not null,
  next_change_id bigint not null,
  next_transaction_id xid8 not null,
  constraint area_fold_singleton_check CHECK (singleton),
  constraint area_fold_pkey PRIMARY KEY (singleton)
);

create table area_mode_events (
  received_at timestamp with time zone not null,
  event_id uuid not null,
  event_time timestamp with time zone not null,
  area_code text not null collate "C",
  multiplayer_mode text not null collate "C",
  user_id text not null collate "C",
  event_name text not null collate "C",
  constraint area_mode_events_area_code_check CHECK (((char_length(area_code) >= 1) AND (char_length(area_code) <= 255))),
  constraint area_mode_events_event_name_check CHECK ((event_name = ANY (ARRAY['LOGIN'::text, 'LOGOUT'::text]))),
  constraint area_mode_events_multiplayer_mode_check CHECK (((char_length(multiplayer_mode) >= 1) AND (char_length(multiplayer_mode) <= 255))),
  constraint area_mode_events_user_id_check CHECK (((char_length(user_id) >= 1) AND (char_length(user_id) <= 255))),
  constraint area_mode_events_pkey PRIMARY KEY (received_at, event_id)
) partition by RANGE (received_at);

create table area_mode_events_agg (
  area_code text not null collate "C",
  multiplayer_mode text not null collate "C",
  current_count bigint not null,
  version bigint not null default 1,
  constraint area_mode_events_agg_current_count_check CHECK ((current_count >= 0)),
  constraint area_mode_events_agg_pkey PRIMARY KEY (area_code, multiplayer_mode)
);

create table area_mode_presence (
  area_code text not null collate "C",
  multiplayer_mode text not null collate "C",
  user_id text not null collate "C",
  event_time timestamp with time zone not null,
  event_id uuid not null,
  present boolean not null,
  counted boolean not null,
  lease_until timestamp with time zone,
  sweep_at timestamp with time zone,
  constraint area_mode_presence_pkey PRIMARY KEY (area_code, multiplayer_mode, user_id)
) with (fillfactor=70);
CREATE INDEX area_mode_presence_sweep ON public.area_mode_presence USING btree (sweep_at) WHERE (sweep_at IS NOT NULL);

create table areas (
  area_code text not null collate "C",
  current_count bigint not null,
  constraint areas_current_count_check CHECK ((current_count >= 0)),
  constraint areas_pkey PRIMARY KEY (area_code)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_cost_delay=0);
CREATE INDEX areas_most_played ON public.areas USING btree (((- current_count)), area_code) WHERE (current_count > 0);

create table event_id_walk (
  singleton boolean not null,
  began_at timestamp with time zone not null,
  partition integer not null,
  page bigint not null,
  constraint event_id_walk_singleton_check CHECK (singleton),
  constraint event_id_walk_pkey PRIMARY KEY (singleton)
);

create table event_ids (
  event_id uuid not null,
  received_at timestamp with time zone not null,
  constraint event_ids_pkey PRIMARY KEY (event_id)
) partition by HASH (event_id);

create table event_ids_0 partition of event_ids FOR VALUES WITH (modulus 8, remainder 0);

create table event_ids_1 partition of event_ids FOR VALUES WITH (modulus 8, remainder 1);

create table event_ids_2 partition of event_ids FOR VALUES WITH (modulus 8, remainder 2);

create table event_ids_3 partition of event_ids FOR VALUES WITH (modulus 8, remainder 3);

create table event_ids_4 partition of event_ids FOR VALUES WITH (modulus 8, remainder 4);

create table event_ids_5 partition of event_ids FOR VALUES WITH (modulus 8, remainder 5);

create table event_ids_6 partition of event_ids FOR VALUES WITH (modulus 8, remainder 6);

create table event_ids_7 partition of event_ids FOR VALUES WITH (modulus 8, remainder 7);

create table heartbeat (
  singleton boolean not null,
  at timestamp with time zone not null,
  timeline integer not null,
  constraint heartbeat_singleton_check CHECK (singleton),
  constraint heartbeat_pkey PRIMARY KEY (singleton)
);

create table jobs (
  job_id uuid not null,
  state text not null default 'QUEUED'::text,
  parameters jsonb not null,
  events bigint not null,
  events_done bigint not null default 0,
  events_recorded bigint not null default 0,
  error text not null default ''::text,
  created_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  constraint jobs_check CHECK (((events_done >= 0) AND (events_done <= events))),
  constraint jobs_check1 CHECK (((events_recorded >= 0) AND (events_recorded <= events_done))),
  constraint jobs_events_check CHECK ((events > 0)),
  constraint jobs_state_check CHECK ((state = ANY (ARRAY['QUEUED'::text, 'RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text]))),
  constraint jobs_pkey PRIMARY KEY (job_id)
);

create table parked_events (
  parked_event_id bigint not null generated always as identity,
  entry text not null,
  event text not null,
  reason text not null,
  message text not null,
  parked_at timestamp with time zone not null default clock_timestamp(),
  constraint parked_events_pkey PRIMARY KEY (parked_event_id),
  constraint parked_events_entry_key UNIQUE (entry)
);

create table schema_migrations (
  id integer not null default nextval('schema_migrations_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (id)
);

CREATE OR REPLACE FUNCTION as_of()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when pg_is_in_recovery() then (select at from heartbeat) else statement_timestamp() end
$function$
;

CREATE OR REPLACE FUNCTION change_counts(p_area_codes text[], p_multiplayer_modes text[], p_deltas bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION claim_event_ids(p_event_ids uuid[], p_event_times timestamp with time zone[], p_start timestamp with time zone, p_max_lateness interval, p_max_skew interval)
 RETURNS smallint[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_nestloop TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION create_job(p_job_id uuid, p_parameters jsonb, p_events bigint)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  insert into jobs (job_id, parameters, events) values (p_job_id, p_parameters, p_events) on conflict do nothing;
  return query select * from jobs where job_id = p_job_id;
end
$function$
;

CREATE OR REPLACE FUNCTION drop_event_partitions(p_keep interval)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET lock_timeout TO '1s'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION end_job(p_job_id uuid, p_state text, p_error text)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  update jobs set state = p_state, error = p_error, ended_at = clock_timestamp()
  where job_id = p_job_id and state in ('QUEUED', 'RUNNING') and p_state in ('CANCELLED', 'FAILED');
  return query select * from jobs where job_id = p_job_id;
end
$function$
;

CREATE OR REPLACE FUNCTION ensure_event_partitions(p_days_ahead integer DEFAULT 7)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION fold_area_changes(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
declare
  v_now timestamptz := clock_timestamp();
  v_fold area_fold;
  v_ended boolean;
  v_next_change_id bigint;
  v_folded integer;
  v_last_change_id bigint;
  v_area_codes text[];
  v_deltas bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtext('area_stats.fold_area_changes')) then
    return 0;
  end if;
  select * into v_fold from area_fold;
  -- Asked before the changes are looked at, so that those see what the ended transactions appended.
  v_ended := pg_snapshot_xmin(pg_current_snapshot()) >= v_fold.next_transaction_id;
  -- Null in a transaction that has written before.
  select case when is_called then last_value + 1 else last_value end into v_next_change_id
  from area_changes_change_id_seq where pg_current_xact_id_if_assigned() is null;

  with taken as (
    delete from area_changes
    where change_id in (
      select change_id from area_changes where change_id >= v_fold.first_change_id order by change_id limit p_limit
    )
    returning change_id, area_code, delta
  ), changed as (
    select area_code, sum(delta) as delta, count(*) as changes, max(change_id) as last from taken group by area_code
  )
  select coalesce(sum(changes), 0), max(last), array_agg(area_code), array_agg(delta)
  into v_folded, v_last_change_id, v_area_codes, v_deltas
  from changed;

  if v_folded = 0 and v_fold.folded_at between v_now - interval '1 second' and v_now then
    return 0;
  end if;

  -- Apart, because a check constraint judges the row that is proposed for insertion even where it only updates.
  insert into areas (area_code, current_count)
  select area_code, 0 from unnest(v_area_codes) as changed (area_code) on conflict do nothing;
  update areas set current_count = areas.current_count + changed.delta
  from unnest(v_area_codes, v_deltas) as changed (area_code, delta)
  where areas.area_code = changed.area_code and changed.delta <> 0;

  if v_folded < p_limit then
    v_fold.folded_at := v_now;
    v_last_change_id := v_fold.next_change_id - 1;
  end if;
  if v_ended then
    v_fold.first_change_id := least(v_last_change_id + 1, v_fold.next_change_id);
  end if;
  -- A database that was restored into another server may know of greater transaction ids: then it begins anew.
  if v_next_change_id is not null and (v_ended or v_fold.next_transaction_id > pg_current_xact_id()) then
    v_fold.next_change_id := v_next_change_id;
    v_fold.next_transaction_id := pg_current_xact_id();
  end if;
  update area_fold set folded_at = v_fold.folded_at, first_change_id = v_fold.first_change_id,
    next_change_id = v_fold.next_change_id, next_transaction_id = v_fold.next_transaction_id;
  return v_folded;
end
$function$
;

CREATE OR REPLACE FUNCTION record_events(p_event_ids uuid[], p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_event_names text[], p_event_times timestamp with time zone[], p_max_lateness interval, p_max_skew interval, p_lease interval DEFAULT '24:00:00'::interval)
 RETURNS smallint[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION record_job_events(p_job_id uuid, p_from bigint, p_event_ids uuid[], p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_event_names text[], p_event_times timestamp with time zone[], p_max_lateness interval, p_max_skew interval)
 RETURNS SETOF jobs
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_outcomes smallint[];
begin
  perform from jobs where job_id = p_job_id and state in ('QUEUED', 'RUNNING') and events_done = p_from for update;
  if found then
    v_outcomes := record_events(
      p_event_ids, p_area_codes, p_multiplayer_modes, p_user_ids, p_event_names, p_event_times,
      p_max_lateness, p_max_skew, null
    );
    update jobs set
      events_done = events_done + cardinality(v_outcomes),
      events_recorded = events_recorded + cardinality(array_positions(v_outcomes, 1::smallint)),
      started_at = coalesce(started_at, clock_timestamp()),
      state = case
        when 3 = any (v_outcomes) or 4 = any (v_outcomes) then 'FAILED'
        when events_done + cardinality(v_outcomes) = events then 'SUCCEEDED'
        else 'RUNNING'
      end,
      error = case when 3 = any (v_outcomes) or 4 = any (v_outcomes)
        then 'events are outside of the accepted times by now' else '' end
    where job_id = p_job_id;
    update jobs set ended_at = clock_timestamp() where job_id = p_job_id and state in ('SUCCEEDED', 'FAILED');
  end if;
  return query select * from jobs where job_id = p_job_id;
end
$function$
;

CREATE OR REPLACE FUNCTION renew_presences(p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_lease interval)
 RETURNS boolean[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION runtime_may(privileges text, object text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (select from pg_roles where rolname = current_database()) then
    return;
  end if;
  execute format('revoke all on %s from %I', object, current_database());
  if privileges <> '' then
    execute format('grant %s on %s to %I', privileges, object, current_database());
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION sweep_presences(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION trim_event_ids(p_keep interval, p_pages integer, p_round interval DEFAULT '1 day'::interval)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
declare
  v_now timestamptz := clock_timestamp();
  v_walk event_id_walk;
  v_share float8;
  v_size bigint;
  v_end bigint;
  v_walked integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtext('area_stats.trim_event_ids')) then
    return 0;
  end if;
  select * into v_walk from event_id_walk;
  loop
    if v_walk.partition = 8 then
      exit when v_now < v_walk.began_at + p_round;
      v_walk.began_at := v_now;
      v_walk.partition := 0;
    end if;
    -- How much of the partition is due: 1 is all of it.
    v_share := 8 * extract(epoch from v_now - v_walk.began_at) / extract(epoch from p_round) - v_walk.partition;
    v_size := pg_relation_size('event_ids_' || v_walk.partition) / current_setting('block_size')::integer;
    v_end := least(v_walk.page + p_pages, floor(v_size * least(v_share, 1)));
    if v_end > v_walk.page then
      execute format(
        'delete from event_ids_%s where ctid >= %L and ctid < %L and received_at < %L',
        v_walk.partition, format('(%s,0)', v_walk.page), format('(%s,0)', v_end), v_now - p_keep
      );
      v_walked := v_end - v_walk.page;
      v_walk.page := v_end;
      exit;
    end if;
    exit when v_share < 1;
    v_walk.partition := v_walk.partition + 1;
    v_walk.page := 0;
  end loop;
  update event_id_walk set began_at = v_walk.began_at, partition = v_walk.partition, page = v_walk.page
  where (began_at, partition, page) is distinct from (v_walk.began_at, v_walk.partition, v_walk.page);
  return v_walked;
end
$function$
;

CREATE OR REPLACE FUNCTION trim_jobs(p_keep interval, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_trimmed integer;
begin
  with trimmed as (
    delete from jobs where job_id in (
      select job_id from jobs where ended_at < clock_timestamp() - p_keep limit p_limit for update skip locked
    )
    returning job_id
  ), driven as (
    delete from pgboss.job using trimmed where id = trimmed.job_id
  )
  select count(*) into v_trimmed from trimmed;
  return v_trimmed;
end
$function$
;

CREATE OR REPLACE FUNCTION wal_position()
 RETURNS TABLE(timeline integer, lsn pg_lsn)
 LANGUAGE sql
 STABLE
AS $function$
  select
    case
      when pg_is_in_recovery() then (select heartbeat.timeline from heartbeat)
      else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    end,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end
$function$
;

grant execute on function as_of() to public;
grant execute on function as_of() to runtime;
grant execute on function create_job(p_job_id uuid, p_parameters jsonb, p_events bigint) to runtime;
grant execute on function drop_event_partitions(p_keep interval) to runtime;
grant execute on function end_job(p_job_id uuid, p_state text, p_error text) to runtime;
grant execute on function ensure_event_partitions(p_days_ahead integer) to runtime;
grant execute on function fold_area_changes(p_limit integer) to runtime;
grant execute on function record_events(p_event_ids uuid[], p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_event_names text[], p_event_times timestamp with time zone[], p_max_lateness interval, p_max_skew interval, p_lease interval) to runtime;
grant execute on function record_job_events(p_job_id uuid, p_from bigint, p_event_ids uuid[], p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_event_names text[], p_event_times timestamp with time zone[], p_max_lateness interval, p_max_skew interval) to runtime;
grant execute on function renew_presences(p_area_codes text[], p_multiplayer_modes text[], p_user_ids text[], p_lease interval) to runtime;
grant execute on function sweep_presences(p_limit integer) to runtime;
grant execute on function trim_event_ids(p_keep interval, p_pages integer, p_round interval) to runtime;
grant execute on function trim_jobs(p_keep interval, p_limit integer) to runtime;
grant execute on function wal_position() to public;
grant execute on function wal_position() to runtime;
grant select, usage on sequence parked_events_parked_event_id_seq to runtime;
grant select on table area_changes to runtime;
grant select on table area_fold to runtime;
grant select on table area_mode_events to runtime;
grant select on table area_mode_events_agg to runtime;
grant select on table area_mode_presence to runtime;
grant select on table areas to runtime;
grant select on table event_id_walk to runtime;
grant select on table event_ids to runtime;
grant select, update on table heartbeat to runtime;
grant select on table jobs to runtime;
grant delete, insert, select on table parked_events to runtime;
grant select on table schema_migrations to runtime;
