-- Old ids are found by walking the pages of their table, some each minute. What is received now lies where old ids were
-- trimmed, so nothing but the row itself tells for long where old ones are, and an index by time would cost each event.
drop index event_ids_received_at;

-- How far the walk over the pages of event_ids has come, in its round over all of them.
create table event_id_walk (
  singleton boolean primary key check (singleton),
  began_at timestamptz not null,
  -- The remainder of the partition; 8 once the round is over.
  partition integer not null,
  -- The next page of it.
  page bigint not null
);

insert into event_id_walk select true, clock_timestamp(), 0, 0;

-- Walks at most `p_pages` pages on from where the last call ended, deletes the ids there that were received longer than
-- `p_keep` ago, and returns how many pages it walked; 0 when none is due, or while another call walks. Called until it
-- returns 0, each call being a transaction of its own. A round over all pages is spread over `p_round`, however many call;
-- so an id is gone by `p_round` after `p_keep`, or as soon as what was due is walked.
drop function trim_event_ids(interval, integer);
create function trim_event_ids(p_keep interval, p_pages integer, p_round interval default '1 day') returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
-- Pages are read by their number, however small the table is.
set enable_seqscan = off
as $$
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
$$;

revoke all on function trim_event_ids(interval, integer, interval) from public;
select runtime_may('execute', 'function trim_event_ids(interval, integer, interval)');
select runtime_may('select', 'table event_id_walk');
