-- Grows with any change to what the listing of a location shows: what is there, or anything of its row.
create table location_versions (
  location_id uuid primary key,
  version bigint not null
);
select runtime_may('select, insert, update', 'table location_versions');

-- Raises the versions of the listings that changed, in the transaction that changes them and after its rows of things,
-- players before locations and each in id order: whoever changes rows takes these locks in one order. Nulls do not count.
create function raise_listing_versions(p_players uuid[], p_locations uuid[]) returns void
language plpgsql as $$
begin
  perform raise_player_versions(p_players);
  insert into location_versions as known (location_id, version)
  select distinct location_id, 1 from unnest(p_locations) as touched (location_id)
  where location_id is not null order by location_id
  on conflict (location_id) do update set version = known.version + 1;
end
$$;
