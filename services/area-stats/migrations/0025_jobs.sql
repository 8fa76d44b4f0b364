-- What an operator has asked for that takes long: generated data. The row is the fact; the library's job only drives it.
create table jobs (
  job_id uuid primary key,
  state text not null default 'QUEUED' check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  -- What was asked for, as the service wrote it.
  parameters jsonb not null,
  events bigint not null check (events > 0),
  -- How many of the events were generated, and how many of those were recorded rather than known already.
  events_done bigint not null default 0 check (events_done between 0 and events),
  events_recorded bigint not null default 0 check (events_recorded between 0 and events_done),
  -- Why it failed.
  error text not null default '',
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);

-- Creates a job, or returns the one that has the id already, whatever it is about.
create function create_job(p_job_id uuid, p_parameters jsonb, p_events bigint) returns setof jobs
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into jobs (job_id, parameters, events) values (p_job_id, p_parameters, p_events) on conflict do nothing;
  return query select * from jobs where job_id = p_job_id;
end
$$;

-- Records the events from p_from on, by record_events, for ever counted, and moves the job on past them: both or neither.
-- A job that has ended meanwhile, or has come further, is left as it is, so a call that is made twice does nothing the
-- second time. Returns the job as it then is; none when there is no such job.
create function record_job_events(
  p_job_id uuid,
  p_from bigint,
  p_event_ids uuid[],
  p_area_codes text[],
  p_multiplayer_modes text[],
  p_user_ids text[],
  p_event_names text[],
  p_event_times timestamptz[],
  p_max_lateness interval,
  p_max_skew interval
) returns setof jobs
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
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
$$;

-- Ends a job that has not ended, as CANCELLED or FAILED, and returns it as it then is; none when there is no such job.
create function end_job(p_job_id uuid, p_state text, p_error text) returns setof jobs
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update jobs set state = p_state, error = p_error, ended_at = clock_timestamp()
  where job_id = p_job_id and state in ('QUEUED', 'RUNNING') and p_state in ('CANCELLED', 'FAILED');
  return query select * from jobs where job_id = p_job_id;
end
$$;

revoke all on function create_job(uuid, jsonb, bigint) from public;
revoke all on function record_job_events(
  uuid, bigint, uuid[], text[], text[], text[], text[], timestamptz[], interval, interval) from public;
revoke all on function end_job(uuid, text, text) from public;
select runtime_may('execute', 'function create_job(uuid, jsonb, bigint)');
select runtime_may(
  'execute',
  'function record_job_events(uuid, bigint, uuid[], text[], text[], text[], text[], timestamptz[], interval, interval)'
);
select runtime_may('execute', 'function end_job(uuid, text, text)');
select runtime_may('select', 'table jobs');
