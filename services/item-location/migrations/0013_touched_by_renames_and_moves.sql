-- Has the changed names brought into the rows that show older ones, if there are any.
create or replace function begin_renames(p_noun text, p_ids text[]) returns void
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
  if cardinality(p_ids) = 0 then
    return;
  end if;
  insert into renames as known (noun, id, version)
  select p_noun, changed.id, changed.version from (
    select i.item_id as id, i.version from item_names i
    where p_noun = 'item' and i.item_id = any (p_ids) and exists (
      select from game_item_locations g where g.item_id = i.item_id and not g.consumed and g.item_version < i.version)
    union all
    select p.player_id::text, p.version from player_names p
    where p_noun = 'owner' and p.player_id = any (case p_noun when 'owner' then p_ids::uuid[] end) and exists (
      select from game_item_locations g
      where g.owner_id = p.player_id and not g.consumed and g.owner_name_version < p.version)
    union all
    select l.location_id::text, l.version from locations l
    where p_noun = 'location' and l.location_id = any (case p_noun when 'location' then p_ids::uuid[] end) and exists (
      select from game_item_locations g
      where g.location_id = l.location_id and not g.consumed and g.location_version < l.version)
  ) as changed
  order by changed.id
  on conflict (noun, id) do update
    set version = excluded.version, done_through = null, rows_done = 0, finished = false, started_at = clock_timestamp();
end
$$;

-- Does the next part of the rename that has waited longest: at most p_limit rows, in one transaction, one process at a
-- time. Rows are locked in id order, as by whoever else changes them; each is changed once for a version of its name.
-- Answers the rows changed and how many renames there are, this one included: none, nothing was left to be done, or
-- another process does it; and whose listings changed, in the batch before as well: whoever did that may not have lived
-- to tell the caches. A rename is gone with the call after its last batch.
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
  select * into v_rename from renames order by started_at, noun, id limit 1 for update;
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
    touched_players = coalesce(owners, '{}'),
    touched_locations = array(select l from unnest(locations) l where l is not null)
  where noun = v_rename.noun and id = v_rename.id;
  owners := owners || v_rename.touched_players;
  locations := locations || v_rename.touched_locations;
end
$$;

-- Moves things, all or nothing, once per request id. The names of locations can not change meanwhile. Both listings of
-- locations that a thing is in, before and after, get a new version; the answer names those locations.
-- Answers {item_locations: [...] in the order of the moves, replayed, locations: [ids]}.
create or replace function move_items(
  p_request_id uuid, p_content_hash bytea, p_mover uuid,
  p_game_items uuid[], p_locations uuid[], p_x double precision[], p_y double precision[], p_z double precision[],
  p_expected bigint[]
) returns jsonb
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_earlier move_requests;
  v_refusal record;
  v_answer jsonb;
  v_owners uuid[];
  v_locations uuid[];
begin
  perform share_location_names();
  insert into move_requests (request_id, content_hash) values (p_request_id, p_content_hash) on conflict do nothing;
  if not found then
    select * into strict v_earlier from move_requests where request_id = p_request_id;
    if v_earlier.content_hash <> p_content_hash then
      raise exception using errcode = 'RK001', message = 'REQUEST_ID_REUSED',
        detail = jsonb_build_object('request_id', p_request_id)::text;
    end if;
    return jsonb_build_object('item_locations', v_earlier.answer, 'replayed', true,
      'locations', to_jsonb(v_earlier.touched_locations));
  end if;

  perform from game_item_locations where game_item_id = any (p_game_items) order by game_item_id for no key update;

  select * into v_refusal from (
    select m.place, m.game_item_id, m.location_id, g.version,
      case
        when g.game_item_id is null or g.consumed then 'ITEM_LOCATION_NOT_FOUND'
        when p_mover is not null and g.owner_id <> p_mover then 'NOT_OWNER'
        when l.location_id is null then 'LOCATION_NOT_FOUND'
        when m.expected not in (0, g.version) then 'VERSION_MISMATCH'
      end as reason
    from unnest(p_game_items, p_locations, p_expected) with ordinality
      as m (game_item_id, location_id, expected, place)
    left join game_item_locations g on g.game_item_id = m.game_item_id
    left join locations l on l.location_id = m.location_id
  ) as checked where reason is not null order by place limit 1;
  if found then
    raise exception using errcode = 'RK001', message = v_refusal.reason,
      detail = case v_refusal.reason
        when 'LOCATION_NOT_FOUND' then jsonb_build_object('location_id', v_refusal.location_id)
        when 'VERSION_MISMATCH' then
          jsonb_build_object('game_item_id', v_refusal.game_item_id, 'version', v_refusal.version::text)
        else jsonb_build_object('game_item_id', v_refusal.game_item_id)
      end::text;
  end if;

  with moved as (
    update game_item_locations g
    set location_id = l.location_id, location_name = l.name, area_code = l.area_code, location_version = l.version,
      x = m.x, y = m.y, z = m.z, version = g.version + 1, updated_at = now()
    from unnest(p_game_items, p_locations, p_x, p_y, p_z) with ordinality
      as m (game_item_id, location_id, x, y, z, place)
    join locations l on l.location_id = m.location_id
    where g.game_item_id = m.game_item_id
    returning m.place, g.owner_id, old.location_id as left_id, l.location_id, item_location_json(g) as row
  )
  select jsonb_agg(row order by place), array_agg(owner_id), array_agg(left_id) || array_agg(location_id)
  into v_answer, v_owners, v_locations from moved;

  perform raise_listing_versions(v_owners, v_locations);
  v_locations := array(select distinct l from unnest(v_locations) l where l is not null);
  update move_requests set answer = v_answer, touched_locations = v_locations where request_id = p_request_id;
  return jsonb_build_object('item_locations', v_answer, 'replayed', false, 'locations', to_jsonb(v_locations));
end
$$;
