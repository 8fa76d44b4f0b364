-- Caches hold first pages of the listings of players and locations, and are told after the commit which of them changed.
-- Each write keeps what it touched for whoever takes over from a process that did not live to tell.
alter table follow_position
  add column touched_players uuid[] not null default '{}',
  add column touched_locations uuid[] not null default '{}';
alter table renames
  add column finished boolean not null default false,
  add column touched_players uuid[] not null default '{}',
  add column touched_locations uuid[] not null default '{}';
alter table move_requests add column touched_locations uuid[] not null default '{}';
create index move_requests_by_time on move_requests (created_at);
select runtime_may('select, insert, update, delete', 'table move_requests');

drop function begin_following();
-- Takes over the following: whoever followed before can apply nothing any more. Answers what the last step touched.
create function begin_following()
returns table (
  epoch bigint, step bigint, source_transaction bigint, source_id bigint, touched_players uuid[], touched_locations uuid[]
)
language sql as $$
  update follow_position f set epoch = f.epoch + 1
  returning f.epoch, f.step, f.source_transaction, f.source_id, f.touched_players, f.touched_locations;
$$;

drop function apply_item_states(jsonb, jsonb, jsonb, uuid[], uuid, uuid);
-- Brings names and things to the given states, each when its version is greater than the known one. Names go into the
-- reference copies, from which new rows take them; rows that show an older one follow by rename_batch. Every id occurs
-- once. All rows of things are locked first, in id order, as moves and renames do, so that none of them deadlock.
--
-- p_named: absent, or the ids of all live things in the range above p_after up to p_through; what else is live
-- here in that range is gone. Answers whose listings changed, nulls and repeats among them.
create function apply_item_states(
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid,
  out players uuid[], out locations uuid[]
)
language plpgsql
-- A few keys against a large table: by the index, however many rows the planner expects of an array.
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_players uuid[];
  v_items text[];
  v_gone uuid[] := '{}';
  v_locked uuid[];
  v_more record;
begin
  players := '{}';
  locations := '{}';
  perform share_location_names();
  with changed as (
    insert into player_names as known (player_id, name, version)
    select e.player_id, e.name, e.version
    from jsonb_to_recordset(p_players) as e (player_id uuid, name text, version bigint)
    order by e.player_id
    on conflict (player_id) do update set name = excluded.name, version = excluded.version
    where known.version < excluded.version
    returning player_id
  )
  select coalesce(array_agg(player_id), '{}') into v_players from changed;

  with changed as (
    insert into item_names as known (item_id, name, kind, version)
    select e.item_id, e.name, e.kind, e.version
    from jsonb_to_recordset(p_items) as e (item_id text, name text, kind text, version bigint)
    order by e.item_id
    on conflict (item_id) do update set name = excluded.name, kind = excluded.kind, version = excluded.version
    where known.version < excluded.version
    returning item_id
  )
  select coalesce(array_agg(item_id), '{}') into v_items from changed;

  perform begin_renames('owner', v_players::text[]);
  perform begin_renames('item', v_items);

  if p_named is not null then
    select coalesce(array_agg(g.game_item_id), '{}') into v_gone
    from game_item_locations g
    where g.game_item_id > p_after and g.game_item_id <= p_through and not g.consumed and g.game_item_id <> all (p_named);
  end if;

  v_locked := v_gone
    || array(select e.game_item_id from jsonb_to_recordset(p_game_items) as e (game_item_id uuid));
  perform from game_item_locations g where g.game_item_id = any (v_locked) order by g.game_item_id for no key update;

  if jsonb_array_length(p_game_items) > 0 then
    with applied as (
      insert into game_item_locations as known (
        game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name, owner_name_version,
        location_id, location_name, area_code, location_version, source_version, consumed
      )
      select
        e.game_item_id, e.item_id, coalesce(i.name, ''), coalesce(i.kind, ''), coalesce(i.version, 0),
        e.quantity, e.owner_id, coalesce(p.name, ''), coalesce(p.version, 0),
        e.location_id, coalesce(l.name, ''), coalesce(l.area_code, ''), coalesce(l.version, 0), e.version, e.quantity = 0
      from jsonb_to_recordset(p_game_items)
        as e (game_item_id uuid, item_id text, owner_id uuid, quantity bigint, version bigint, location_id uuid)
      left join item_names i on i.item_id = e.item_id
      left join player_names p on p.player_id = e.owner_id
      left join locations l on l.location_id = e.location_id
      order by e.game_item_id
      on conflict (game_item_id) do update set
        item_id = excluded.item_id, item_name = excluded.item_name, item_kind = excluded.item_kind,
        item_version = excluded.item_version, quantity = excluded.quantity, owner_id = excluded.owner_id,
        owner_name = excluded.owner_name, owner_name_version = excluded.owner_name_version,
        source_version = excluded.source_version, consumed = excluded.consumed,
        version = known.version + 1, updated_at = now()
      where known.source_version < excluded.source_version and not known.consumed
      returning old.owner_id as old_owner, new.owner_id as new_owner, new.location_id
    )
    select coalesce(array_agg(old_owner), '{}') || coalesce(array_agg(new_owner), '{}'),
      coalesce(array_agg(location_id), '{}')
    into players, locations from applied;
  end if;

  if cardinality(v_gone) > 0 then
    with gone as (
      update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
      where game_item_id = any (v_gone) and not consumed
      returning owner_id, location_id
    )
    select array_agg(owner_id) as owners, array_agg(location_id) as locations into v_more from gone;
    players := players || v_more.owners;
    locations := locations || v_more.locations;
  end if;

  perform raise_listing_versions(players, locations);
end
$$;

drop function apply_item_states_singly(jsonb, jsonb, jsonb, uuid[], uuid, uuid);
-- Applies each state on its own and parks those that the tables refuse. Answers how many it parked, and whose listings
-- changed.
create function apply_item_states_singly(
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid,
  out parked integer, out players uuid[], out locations uuid[]
)
language plpgsql as $$
declare
  v_state record;
  v_touched record;
begin
  parked := 0;
  players := '{}';
  locations := '{}';
  for v_state in
    select 'player' as noun, player as state from jsonb_array_elements(p_players) as player
    union all
    select 'item', item from jsonb_array_elements(p_items) as item
    union all
    select 'game_item', game_item from jsonb_array_elements(p_game_items) as game_item
  loop
    begin
      select * into v_touched from apply_item_states(
        case when v_state.noun = 'player' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'item' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'game_item' then jsonb_build_array(v_state.state) else '[]' end,
        null, null, null
      );
      players := players || v_touched.players;
      locations := locations || v_touched.locations;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      insert into parked_events (event, reason) values (jsonb_build_object(v_state.noun, v_state.state), sqlerrm);
      parked := parked + 1;
    end;
  end loop;
  select * into v_touched from apply_item_states('[]', '[]', '[]', p_named, p_after, p_through);
  players := players || v_touched.players;
  locations := locations || v_touched.locations;
end
$$;

drop function apply_item_events(
  bigint, bigint, jsonb, jsonb, jsonb, jsonb, uuid[], uuid, uuid, bigint, bigint, timestamptz
);
-- Applies one step of the stream and moves the position, in the caller's transaction.
--
-- p_step is the step's number, one more than the saved one. p_refused: events that have no state to apply, each
-- with its reason. p_transaction and p_id: where to go on from; absent within a snapshot.
-- Answers APPLIED; ALREADY when the same step was taken before; or REPLACED, when another follower took over.
-- The players and locations whose listings the step changed are kept until the next one: caches are told of them after
-- the commit, by the next follower when this one does not live to.
create function apply_item_events(
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
    as_of = p_as_of,
    touched_players = players,
    touched_locations = locations;
  outcome := 'APPLIED';
end
$$;
