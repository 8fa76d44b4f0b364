-- For operators and benches: where things are by the ids of each row alone, the names looked up where they are kept.
-- It shows what game_item_locations shows once every rename has arrived in it.
create view normalized_item_locations as
select g.game_item_id, g.item_id, coalesce(i.name, '') as item_name, coalesce(i.kind, '') as item_kind, g.quantity,
  g.owner_id, coalesce(p.name, '') as owner_name, g.location_id, coalesce(l.name, '') as location_name,
  coalesce(l.area_code, '') as area_code, g.x, g.y, g.z, g.version, g.source_version, g.updated_at
from game_item_locations g
left join item_names i on i.item_id = g.item_id
left join player_names p on p.player_id = g.owner_id
left join locations l on l.location_id = g.location_id
where not g.consumed;

-- A page of it: at most p_limit things of one owner by id, above the id p_after.
create function normalized_player_item_locations(p_player uuid, p_after uuid, p_limit integer)
returns setof normalized_item_locations
language sql stable
begin atomic
  select * from normalized_item_locations
  where owner_id = p_player and (p_after is null or game_item_id > p_after)
  order by game_item_id limit p_limit;
end;

select runtime_may('select', 'table normalized_item_locations');
