-- Renames take turns, a batch each: one of an item that millions of things bear holds up no other.
alter table renames add column worked_at timestamptz not null default clock_timestamp();
drop index renames_in_turn;
create index renames_in_turn on renames (worked_at, noun, id);

-- Does the next part of the rename that was worked on least lately, or begun: at most p_limit rows, in one transaction,
-- one process at a time. Rows are locked in id order, as by whoever else changes them; each is changed once for a version
-- of its name. Answers the rows changed and how many renames there are, this one included: none, nothing was left to be
-- done, or another process does it; and whose listings changed, in its batch before as well: whoever did that may not
-- have lived to tell the caches. A rename keeps its turn with its last batch, and is gone with the next call.
create or replace function rename_batch(
  p_limit integer, out renamed integer, out pending bigint, out owners uuid[], out locations uuid[]
)
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_custom_plan
as $$
declare
  v_rename renames;
  v_ids uuid[];
  v_after uuid;
begin
  renamed := 0;
  pending := 0;
  if not pg_try_advisory_xact_lock(5350054) then
    return;
  end if;
  select * into v_rename from renames order by worked_at, noun, id limit 1 for update;
  if not found then
    return;
  end if;
  select count(*) into pending from renames;
  if v_rename.finished then
    delete from renames where noun = v_rename.noun and id = v_rename.id;
    owners := v_rename.touched_players;
    locations := v_rename.touched_locations;
    return;
  end if;
  v_after := coalesce(v_rename.done_through, '00000000-0000-0000-0000-000000000000');

  if v_rename.noun = 'item' then
    v_ids := array(select game_item_id from game_item_locations
      where item_id = v_rename.id and not consumed and game_item_id > v_after
      order by game_item_id limit p_limit for no key update);
    with changed as (
      update game_item_locations g
      set item_name = i.name, item_kind = i.kind, item_version = i.version, version = g.version + 1, updated_at = now()
      from item_names i
      where i.item_id = v_rename.id and g.game_item_id = any (v_ids) and g.item_id = i.item_id
        and not g.consumed and g.item_version < i.version
      returning g.owner_id, g.location_id
    )
    select count(*), array_agg(distinct owner_id), array_agg(distinct location_id)
    into renamed, owners, locations from changed;
  elsif v_rename.noun = 'location' then
    v_ids := array(select game_item_id from game_item_locations
      where location_id = v_rename.id::uuid and not consumed and game_item_id > v_after
      order by game_item_id limit p_limit for no key update);
    with changed as (
      update game_item_locations g
      set location_name = l.name, area_code = l.area_code, location_version = l.version, version = g.version + 1,
        updated_at = now()
      from locations l
      where l.location_id = v_rename.id::uuid and g.game_item_id = any (v_ids) and g.location_id = l.location_id
        and not g.consumed and g.location_version < l.version
      returning g.owner_id, g.location_id
    )
    select count(*), array_agg(distinct owner_id), array_agg(distinct location_id)
    into renamed, owners, locations from changed;
  else
    v_ids := array(select game_item_id from game_item_locations
      where owner_id = v_rename.id::uuid and not consumed and game_item_id > v_after
      order by game_item_id limit p_limit for no key update);
    with changed as (
      update game_item_locations g
      set owner_name = p.name, owner_name_version = p.version, version = g.version + 1, updated_at = now()
      from player_names p
      where p.player_id = v_rename.id::uuid and g.game_item_id = any (v_ids) and g.owner_id = p.player_id
        and not g.consumed and g.owner_name_version < p.version
      returning g.owner_id, g.location_id
    )
    select count(*), array_agg(distinct owner_id), array_agg(distinct location_id)
    into renamed, owners, locations from changed;
  end if;

  perform raise_listing_versions(owners, locations);
  update renames set
    done_through = coalesce(v_ids[cardinality(v_ids)], done_through),
    rows_done = rows_done + renamed,
    finished = cardinality(v_ids) < p_limit,
    worked_at = case when cardinality(v_ids) < p_limit then worked_at else clock_timestamp() end,
    touched_players = coalesce(owners, '{}'),
    touched_locations = array(select l from unnest(locations) l where l is not null)
  where noun = v_rename.noun and id = v_rename.id;
  owners := owners || v_rename.touched_players;
  locations := locations || v_rename.touched_locations;
end
$$;
