-- How many users are counted in an area, for listing areas by it.
--
-- The row of a busy area would be locked by every recording in it until its commit, and in an order of its own. So a
-- recording appends what it changed, in its own transaction, which waits for nobody; whoever folds adds that up here.
-- In every snapshot current_count and the deltas of area_changes together are the sum of the area's counts.
create table areas (
  area_code text collate "C" primary key,
  current_count bigint not null check (current_count >= 0)
);

-- Most players first, ties by the name: one order for one index, whose entries are compared as rows.
create index areas_most_played on areas ((-current_count), area_code) where current_count > 0;

create table area_changes (
  change_id bigint generated always as identity primary key,
  area_code text collate "C" not null,
  delta bigint not null,
  changed_at timestamptz not null default clock_timestamp()
);

create function append_area_changes() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into area_changes (area_code, delta)
    select area_code, sum(current_count) from new_counts group by area_code having sum(current_count) <> 0;
  else
    insert into area_changes (area_code, delta)
    select area_code, sum(delta) from (
      select area_code, current_count as delta from new_counts
      union all
      select area_code, -current_count from old_counts
    ) as changed
    group by area_code having sum(delta) <> 0;
  end if;
  return null;
end
$$;

create trigger area_mode_events_agg_inserted after insert on area_mode_events_agg
referencing new table as new_counts for each statement execute function append_area_changes();

create trigger area_mode_events_agg_updated after update on area_mode_events_agg
referencing old table as old_counts new table as new_counts for each statement execute function append_area_changes();

-- What is counted already. No recording is under way: the triggers have locked the table.
insert into areas (area_code, current_count)
select area_code, sum(current_count) from area_mode_events_agg group by area_code;

-- Adds up at most `p_limit` changes, the oldest first, and returns how many there were; 0 also when another call is at
-- it. Changes of one count are appended in the order in which they were made, so no total ever is below 0.
create function fold_area_changes(p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_folded integer;
  v_area_codes text[];
  v_deltas bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtext('area_stats.fold_area_changes')) then
    return 0;
  end if;
  with taken as (
    delete from area_changes
    where change_id in (select change_id from area_changes order by change_id limit p_limit)
    returning area_code, delta
  ), changed as (
    select area_code, sum(delta) as delta, count(*) as changes from taken group by area_code
  )
  select coalesce(sum(changes), 0), array_agg(area_code), array_agg(delta) into v_folded, v_area_codes, v_deltas
  from changed;

  -- Apart, because a check constraint judges the row that is proposed for insertion even where it only updates.
  insert into areas (area_code, current_count)
  select area_code, 0 from unnest(v_area_codes) as changed (area_code) on conflict do nothing;
  update areas set current_count = areas.current_count + changed.delta
  from unnest(v_area_codes, v_deltas) as changed (area_code, delta)
  where areas.area_code = changed.area_code and changed.delta <> 0;
  return v_folded;
end
$$;

revoke all on function append_area_changes() from public;
revoke all on function fold_area_changes(integer) from public;
select runtime_may('', 'function append_area_changes()');
select runtime_may('execute', 'function fold_area_changes(integer)');
select runtime_may('select', 'table areas');
select runtime_may('select', 'table area_changes');
select runtime_may('', 'sequence area_changes_change_id_seq');
