-- Brings names and things to the given states, each when its version is greater than the known one. Names go into the
-- reference copies, from which new rows take them; rows that show an older one follow by rename_batch. Every id occurs
-- once. All rows of things are locked first, in id order, as moves and renames do, so that none of them deadlock.
--
-- p_named: absent, or the ids of all live things in the range above p_after up to p_through; what else is live
-- here in that range is gone.
create or replace function apply_item_states(
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
  v_owners uuid[] := '{}';
  v_locations uuid[] := '{}';
  v_more record;
begin
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
    into v_owners, v_locations from applied;
  end if;

  if cardinality(v_gone) > 0 then
    with gone as (
      update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
      where game_item_id = any (v_gone) and not consumed
      returning owner_id, location_id
    )
    select array_agg(owner_id) as owners, array_agg(location_id) as locations into v_more from gone;
    v_owners := v_owners || v_more.owners;
    v_locations := v_locations || v_more.locations;
  end if;

  perform raise_listing_versions(v_owners, v_locations);
end
$$;
