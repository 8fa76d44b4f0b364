-- Moves things, all or nothing, once per request id. The names of locations can not change meanwhile. Both listings of
-- locations that a thing is in, before and after, get a new version.
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
    return jsonb_build_object('item_locations', v_earlier.answer, 'replayed', true);
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
  update move_requests set answer = v_answer where request_id = p_request_id;
  return jsonb_build_object('item_locations', v_answer, 'replayed', false);
end
$$;
