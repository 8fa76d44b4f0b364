-- How far the changes of areas are added up in their totals. Rows that were added up stay in the index of area_changes
-- until they are vacuumed, on a replica visible to none and yet looked at; so neither a listing nor the next fold begins
-- at the front of that index.
create table area_fold (
  singleton boolean primary key check (singleton),
  -- The totals have every change that was committed by then. A listing is as of this.
  folded_at timestamptz not null,
  -- Every change with a lesser id is added up, and none will be appended any more.
  first_change_id bigint not null,
  -- Ids commit in another order than they are given out. Those below next_change_id were given to transactions below
  -- next_transaction_id: once those have ended, first_change_id can move there.
  next_change_id bigint not null,
  next_transaction_id xid8 not null
);

insert into area_fold
select true, coalesce(min(changed_at), clock_timestamp()), 0, 0, '0' from area_changes;

-- What is added up and deleted each second is vacuumed each time that the server looks.
alter table area_changes set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);
alter table areas set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);

-- Adds up at most `p_limit` changes, the oldest first, and returns how many there were; 0 also when another call is at
-- it. Changes of one count are appended in the order in which they were made, so no total ever is below 0. Where nothing
-- is to be added up, about once a second a call writes that this is so.
--
-- Whoever appends a change has changed a count before, in the same transaction: so it has its transaction id before the
-- change has its id. A call reads the last id before it has a transaction id of its own, which then is the greater one.
create or replace function fold_area_changes(p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
-- Changes are found by their ids, however many there are: a plan made while the table was small stays right.
set enable_seqscan = off
as $$
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
$$;

select runtime_may('select', 'table area_fold');
