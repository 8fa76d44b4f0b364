-- The ids that were recorded: an event whose id is here changes nothing.
--
-- An id has to be recognised for as long as its event could be accepted again: the accepted lateness plus the
-- accepted skew into the future after its receipt. Trimming keeps a margin on top.
create table event_ids (
  event_id uuid primary key,
  received_at timestamptz not null
) partition by hash (event_id);

do $$
begin
  for remainder in 0..7 loop
    execute format(
      'create table event_ids_%s partition of event_ids for values with (modulus 8, remainder %s)',
      remainder, remainder
    );
    perform runtime_may('', 'table event_ids_' || remainder);
  end loop;
end
$$;

-- Rows arrive in the order of received_at, so a block range index finds the old ones at no cost to the writers.
create index event_ids_received_at on event_ids using brin (received_at) with (autosummarize = on);

-- Deletes at most `p_limit` ids received longer than `p_keep` ago and returns how many there were. Called until it
-- returns less than asked, each call being a transaction of its own. Ids that another call is deleting are skipped.
create function trim_event_ids(p_keep interval, p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_trimmed integer;
begin
  delete from event_ids where event_id in (
    select event_id from event_ids
    where received_at < clock_timestamp() - p_keep
    limit p_limit
    for update skip locked
  );
  get diagnostics v_trimmed = row_count;
  return v_trimmed;
end
$$;

revoke all on function trim_event_ids(interval, integer) from public;
select runtime_may('execute', 'function trim_event_ids(interval, integer)');
select runtime_may('select', 'table event_ids');
