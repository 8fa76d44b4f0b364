-- Brings rows of things to what player-state says of them, and to the names and areas of locations here, whatever they
-- show: for `npm run verify -- --repair`. The caller holds the row of follow_position before it asks player-state, so
-- nothing newer is applied meanwhile. A state older than the row's is left out. p_gone: things that player-state has no
-- more. A name that is news here is brought into the other rows that show an older one by rename_batch: the event of the
-- name will not be newer any more. Answers how many rows it changed.
create or replace function repair_item_locations(p_states jsonb, p_gone uuid[]) returns bigint
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_players text[];
  v_items text[];
  v_changed record;
begin
  perform from follow_position for update;
  perform share_location_names();

  with changed as (
    insert into player_names as known (player_id, name, version)
    select distinct on (e.owner_id) e.owner_id, e.owner_name, e.owner_name_version
    from jsonb_to_recordset(p_states) as e (owner_id uuid, owner_name text, owner_name_version bigint)
    order by e.owner_id
    on conflict (player_id) do update set name = excluded.name, version = excluded.version
    where known.version <= excluded.version and (known.name, known.version) <> (excluded.name, excluded.version)
    returning player_id
  )
  select coalesce(array_agg(player_id::text), '{}') into v_players from changed;

  with changed as (
    insert into item_names as known (item_id, name, kind, version)
    select distinct on (e.item_id) e.item_id, e.item_name, e.item_kind, e.item_version
    from jsonb_to_recordset(p_states) as e (item_id text, item_name text, item_kind text, item_version bigint)
    order by e.item_id
    on conflict (item_id) do update set name = excluded.name, kind = excluded.kind, version = excluded.version
    where known.version <= excluded.version
      and (known.name, known.kind, known.version) <> (excluded.name, excluded.kind, excluded.version)
    returning item_id
  )
  select coalesce(array_agg(item_id), '{}') into v_items from changed;

  -- Before the rows of things are locked, as whoever else changes both.
  perform begin_renames('owner', v_players);
  perform begin_renames('item', v_items);

  perform from game_item_locations g
  where g.game_item_id = any (
    p_gone || array(select e.game_item_id from jsonb_to_recordset(p_states) as e (game_item_id uuid)))
  order by g.game_item_id for no key update;

  with repaired as (
    insert into game_item_locations as known (
      game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name, owner_name_version,
      location_name, area_code, source_version, consumed
    )
    select e.game_item_id, e.item_id, e.item_name, e.item_kind, e.item_version, e.quantity, e.owner_id, e.owner_name,
      e.owner_name_version, '', '', e.version, false
    from jsonb_to_recordset(p_states) as e (game_item_id uuid, item_id text, item_name text, item_kind text,
      item_version bigint, quantity bigint, owner_id uuid, owner_name text, owner_name_version bigint, version bigint)
    order by e.game_item_id
    on conflict (game_item_id) do update set
      item_id = excluded.item_id, item_name = excluded.item_name, item_kind = excluded.item_kind,
      item_version = excluded.item_version, quantity = excluded.quantity, owner_id = excluded.owner_id,
      owner_name = excluded.owner_name, owner_name_version = excluded.owner_name_version,
      location_name = coalesce((select l.name from locations l where l.location_id = known.location_id), ''),
      area_code = coalesce((select l.area_code from locations l where l.location_id = known.location_id), ''),
      location_version = coalesce((select l.version from locations l where l.location_id = known.location_id), 0),
      source_version = excluded.source_version, consumed = false, version = known.version + 1, updated_at = now()
    where known.source_version <= excluded.source_version
    returning old.owner_id as old_owner, new.owner_id, new.location_id
  ), gone as (
    update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
    where game_item_id = any (p_gone) and not consumed
    returning owner_id as old_owner, owner_id, location_id
  ), changed as (select * from repaired union all select * from gone)
  select count(*) as rows, array_agg(old_owner) || array_agg(owner_id) as owners, array_agg(location_id) as locations
  into v_changed from changed;
  perform raise_listing_versions(v_changed.owners, v_changed.locations);
  return v_changed.rows;
end
$$;

-- Applies one step of the stream and moves the position, in the caller's transaction.
--
-- p_step is the step's number, one more than the saved one. p_refused: events that have no state to apply, each
-- with its reason. p_transaction and p_id: where to go on from; absent within a snapshot. as_of moves with them: a part of
-- a snapshot does not make what is known here as new as the part.
-- Answers APPLIED; ALREADY when the same step was taken before; or REPLACED, when another follower took over.
-- The players and locations whose listings the step changed are kept until the next one: caches are told of them after
-- the commit, by the next follower when this one does not live to.
create or replace function apply_item_events(
  p_epoch bigint, p_step bigint,
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_refused jsonb,
  p_named uuid[], p_after uuid, p_through uuid,
  p_transaction bigint, p_id bigint, p_as_of timestamptz,
  out outcome text, out parked integer, out players uuid[], out locations uuid[]
)
language plpgsql as $$
declare
  v_position follow_position;
begin
  parked := 0;
  select * into strict v_position from follow_position for update;
  if v_position.epoch <> p_epoch or p_step not in (v_position.step, v_position.step + 1) then
    outcome := 'REPLACED';
    return;
  end if;
  if v_position.step = p_step then
    outcome := 'ALREADY';
    players := v_position.touched_players;
    locations := v_position.touched_locations;
    return;
  end if;

  begin
    select s.players, s.locations into players, locations
    from apply_item_states(p_players, p_items, p_game_items, p_named, p_after, p_through) s;
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
    select s.parked, s.players, s.locations into parked, players, locations
    from apply_item_states_singly(p_players, p_items, p_game_items, p_named, p_after, p_through) s;
  end;

  players := array(select distinct p from unnest(players) p where p is not null);
  locations := array(select distinct l from unnest(locations) l where l is not null);
  insert into parked_events (event, reason)
  select e.event, e.reason from jsonb_to_recordset(p_refused) as e (event jsonb, reason text);
  parked := parked + jsonb_array_length(p_refused);

  update follow_position set
    step = p_step,
    source_transaction = coalesce(p_transaction, source_transaction),
    source_id = coalesce(p_id, source_id),
    as_of = case when p_transaction is null then as_of else p_as_of end,
    touched_players = players,
    touched_locations = locations;
  outcome := 'APPLIED';
end
$$;
