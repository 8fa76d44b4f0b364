-- What is followed of player-state: the names that rows copy, and how far its outbox was applied.

create table player_names (
  player_id uuid primary key,
  name text not null,
  version bigint not null
);

create table item_names (
  item_id text primary key,
  name text not null,
  kind text not null,
  version bigint not null
);

-- One row. Each follower that takes over raises `epoch`, each applied step raises `step`: whoever comes with
-- another epoch has been replaced, whoever comes with the step that was just taken has done it already.
-- The position is absent until a snapshot is complete.
create table follow_position (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null default 0,
  step bigint not null default 0,
  source_transaction bigint,
  source_id bigint,
  as_of timestamptz,
  check ((source_transaction is null) = (source_id is null))
);
insert into follow_position default values;

-- Events that can never be applied, with the reason. They hold nothing up.
create table parked_events (
  parked_event_id bigint generated always as identity primary key,
  event jsonb not null,
  reason text not null,
  created_at timestamptz not null default now()
);

-- Takes over the following: whoever followed before can apply nothing any more.
create function begin_following()
returns table (epoch bigint, step bigint, source_transaction bigint, source_id bigint)
language sql as $$
  update follow_position f set epoch = f.epoch + 1
  returning f.epoch, f.step, f.source_transaction, f.source_id;
$$;

-- Brings names and things to the given states, each when its version is greater than the known one, and copies
-- changed names into the rows that show them. Every id occurs once. All rows of things are locked first, in id
-- order, as moves do, so that the two never deadlock.
--
-- p_named: absent, or the ids of all live things in the range above p_after up to p_through; what else is live
-- here in that range is gone.
create function apply_item_states(
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid
) returns void
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
  v_touched uuid[] := '{}';
  v_owners uuid[];
begin
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

  if p_named is not null then
    select coalesce(array_agg(g.game_item_id), '{}') into v_gone
    from game_item_locations g
    where g.game_item_id > p_after and g.game_item_id <= p_through and not g.consumed and g.game_item_id <> all (p_named);
  end if;

  v_locked := v_gone
    || array(select e.game_item_id from jsonb_to_recordset(p_game_items) as e (game_item_id uuid))
    || array(select g.game_item_id from game_item_locations g where g.owner_id = any (v_players) and not g.consumed)
    || array(select g.game_item_id from game_item_locations g where g.item_id = any (v_items) and not g.consumed);
  perform from game_item_locations g where g.game_item_id = any (v_locked) order by g.game_item_id for no key update;

  if jsonb_array_length(p_game_items) > 0 then
    with applied as (
      insert into game_item_locations as known (
        game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name, owner_name_version,
        location_id, location_name, area_code, source_version, consumed
      )
      select
        e.game_item_id, e.item_id, coalesce(i.name, ''), coalesce(i.kind, ''), coalesce(i.version, 0),
        e.quantity, e.owner_id, coalesce(p.name, ''), coalesce(p.version, 0),
        e.location_id, coalesce(l.name, ''), coalesce(l.area_code, ''), e.version, e.quantity = 0
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
      returning old.owner_id as old_owner, new.owner_id as new_owner
    )
    select coalesce(array_agg(old_owner), '{}') || coalesce(array_agg(new_owner), '{}') into v_touched from applied;
  end if;

  if cardinality(v_gone) > 0 then
    with gone as (
      update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
      where game_item_id = any (v_gone) and not consumed
      returning owner_id
    )
    select v_touched || coalesce(array_agg(owner_id), '{}') into v_touched from gone;
  end if;

  if cardinality(v_players) > 0 then
    with renamed as (
      update game_item_locations g
      set owner_name = p.name, owner_name_version = p.version, version = g.version + 1, updated_at = now()
      from player_names p
      where p.player_id = any (v_players) and g.owner_id = p.player_id and not g.consumed
        and g.owner_name_version < p.version
      returning g.owner_id
    )
    select array_agg(distinct owner_id) into v_owners from renamed;
    v_touched := v_touched || v_owners;
  end if;

  if cardinality(v_items) > 0 then
    with renamed as (
      update game_item_locations g
      set item_name = i.name, item_kind = i.kind, item_version = i.version, version = g.version + 1, updated_at = now()
      from item_names i
      where i.item_id = any (v_items) and g.item_id = i.item_id and not g.consumed and g.item_version < i.version
      returning g.owner_id
    )
    select array_agg(distinct owner_id) into v_owners from renamed;
    v_touched := v_touched || v_owners;
  end if;

  perform raise_player_versions(v_touched);
end
$$;

-- Applies each state on its own and parks those that the tables refuse. Answers how many it parked.
create function apply_item_states_singly(
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid
) returns integer
language plpgsql as $$
declare
  v_state record;
  v_parked integer := 0;
begin
  for v_state in
    select 'player' as noun, player as state from jsonb_array_elements(p_players) as player
    union all
    select 'item', item from jsonb_array_elements(p_items) as item
    union all
    select 'game_item', game_item from jsonb_array_elements(p_game_items) as game_item
  loop
    begin
      perform apply_item_states(
        case when v_state.noun = 'player' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'item' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'game_item' then jsonb_build_array(v_state.state) else '[]' end,
        null, null, null
      );
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      insert into parked_events (event, reason) values (jsonb_build_object(v_state.noun, v_state.state), sqlerrm);
      v_parked := v_parked + 1;
    end;
  end loop;
  perform apply_item_states('[]', '[]', '[]', p_named, p_after, p_through);
  return v_parked;
end
$$;

-- Applies one step of the stream and moves the position, in the caller's transaction.
--
-- p_step is the step's number, one more than the saved one. p_refused: events that have no state to apply, each
-- with its reason. p_transaction and p_id: where to go on from; absent within a snapshot.
-- Answers APPLIED; ALREADY when the same step was taken before; or REPLACED, when another follower took over.
create function apply_item_events(
  p_epoch bigint, p_step bigint,
  p_players jsonb, p_items jsonb, p_game_items jsonb, p_refused jsonb,
  p_named uuid[], p_after uuid, p_through uuid,
  p_transaction bigint, p_id bigint, p_as_of timestamptz,
  out outcome text, out parked integer
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
    return;
  end if;

  begin
    perform apply_item_states(p_players, p_items, p_game_items, p_named, p_after, p_through);
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
    parked := apply_item_states_singly(p_players, p_items, p_game_items, p_named, p_after, p_through);
  end;

  insert into parked_events (event, reason)
  select e.event, e.reason from jsonb_to_recordset(p_refused) as e (event jsonb, reason text);
  parked := parked + jsonb_array_length(p_refused);

  update follow_position set
    step = p_step,
    source_transaction = coalesce(p_transaction, source_transaction),
    source_id = coalesce(p_id, source_id),
    as_of = p_as_of;
  outcome := 'APPLIED';
end
$$;

-- Makes the next follower start from a snapshot, unless somebody else follows by now.
create function forget_position(p_epoch bigint) returns boolean
language sql as $$
  with forgotten as (
    update follow_position set source_transaction = null, source_id = null where epoch = p_epoch returning 1
  )
  select exists (select from forgotten);
$$;

-- Fills in the rows that came to a location before it was created here. It waits for the step that is being
-- applied, and the next step waits for it, so that no row can come to the location unseen by both.
create function fill_in_locations() returns trigger
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_owners uuid[];
begin
  if not exists (select from created) then
    return null;
  end if;
  perform from follow_position for update;
  perform from game_item_locations g
  where g.location_id in (select location_id from created) and not g.consumed
  order by g.game_item_id
  for no key update;

  with filled as (
    update game_item_locations g
    set location_name = l.name, area_code = l.area_code, version = g.version + 1, updated_at = now()
    from created l
    where g.location_id = l.location_id and not g.consumed and g.area_code = ''
    returning g.owner_id
  )
  select array_agg(distinct owner_id) into v_owners from filled;
  perform raise_player_versions(v_owners);
  return null;
end
$$;

create trigger fill_in_locations after insert on locations
referencing new table as created
for each statement execute function fill_in_locations();

select runtime_may('select, insert, update', 'table player_names');
select runtime_may('select, insert, update', 'table item_names');
select runtime_may('select, update', 'table follow_position');
select runtime_may('select, insert', 'table parked_events');
