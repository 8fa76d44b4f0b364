-- Deletes at most `p_limit` jobs that ended longer than `p_keep` ago and returns how many there were. Called until it
-- returns less than asked, each call being a transaction of its own. The library's job goes with its row, so that the id
-- can be used for another job.
create function trim_jobs(p_keep interval, p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
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
$$;

revoke all on function trim_jobs(interval, integer) from public;
select runtime_may('execute', 'function trim_jobs(interval, integer)');
