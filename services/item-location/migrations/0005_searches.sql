create extension if not exists pg_trgm;
create extension if not exists cube;
create extension if not exists btree_gist;

-- Names are looked for where they are few: in the reference copies, by bytes (a prefix is a range) and by trigrams.
-- The things that bear a name are then a range of the index of their listing.
create index item_names_by_text on item_names ((lower(name) collate "C"), item_id);
create index item_names_by_trigrams on item_names using gin (lower(name) gin_trgm_ops);
create index player_names_by_text on player_names ((lower(name) collate "C"), player_id);
create index player_names_by_trigrams on player_names using gin (lower(name) gin_trgm_ops);
create index locations_by_text on locations ((lower(name) collate "C"), location_id);
create index locations_by_trigrams on locations using gin (lower(name) gin_trgm_ops);

-- The names that begin with a text, the shortest first, at most p_limit of them: of each noun the first p_limit by
-- their letters are compared.
create function names_beginning_with(p_text text, p_limit integer)
returns table (noun text, id text, place bigint)
language sql stable
begin atomic
  select n.noun, n.id, row_number() over (order by n.length, n.noun, n.id) from (
    (select 'item' as noun, item_id as id, length(name) as length from item_names
      where lower(name) collate "C" >= p_text and lower(name) collate "C" < p_text || chr(1114111)
      order by lower(name) collate "C", item_id limit p_limit)
    union all
    (select 'location', location_id::text, length(name) from locations
      where lower(name) collate "C" >= p_text and lower(name) collate "C" < p_text || chr(1114111)
      order by lower(name) collate "C", location_id limit p_limit)
    union all
    (select 'owner', player_id::text, length(name) from player_names
      where lower(name) collate "C" >= p_text and lower(name) collate "C" < p_text || chr(1114111)
      order by lower(name) collate "C", player_id limit p_limit)
  ) as n
  order by 3 limit p_limit;
end;

-- The names that hold something like a text, the most similar first, at most p_limit of them: of each noun at most 1,000
-- are compared. A text without a letter or digit is like nothing. Its cost grows with how common its trigrams are:
-- whoever calls bounds the time.
create function names_like(p_text text, p_limit integer)
returns table (noun text, id text, place bigint)
language plpgsql stable
set pg_trgm.word_similarity_threshold = 0.35
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = on
as $$
begin
  if cardinality(show_trgm(p_text)) = 0 then
    return;
  end if;
  return query
    select n.noun, n.id, row_number() over (order by n.similarity desc, length(n.name), n.noun, n.id) from (
      (select 'item' as noun, i.item_id as id, i.name, word_similarity(p_text, lower(i.name)) as similarity
        from item_names i where p_text <% lower(i.name) limit 1000)
      union all
      (select 'location', l.location_id::text, l.name, word_similarity(p_text, lower(l.name))
        from locations l where p_text <% lower(l.name) limit 1000)
      union all
      (select 'owner', p.player_id::text, p.name, word_similarity(p_text, lower(p.name))
        from player_names p where p_text <% lower(p.name) limit 1000)
    ) as n
    order by 3 limit p_limit;
end
$$;

-- The live things that bear the names, in the order of the names and then of their ids, each once, at most p_limit of
-- them and none of p_without.
create function item_locations_named(p_nouns text[], p_ids text[], p_limit integer, p_without uuid[])
returns setof game_item_locations
language plpgsql stable
set plan_cache_mode = force_generic_plan
as $$
declare
  v_row game_item_locations;
  v_seen uuid[] := p_without;
  v_most integer := p_limit + cardinality(p_without);
begin
  for i in 1 .. cardinality(p_ids) loop
    for v_row in
      -- One of the three is run.
      (select * from game_item_locations
        where p_nouns[i] = 'item' and item_id = p_ids[i] and not consumed order by game_item_id limit v_most)
      union all
      (select * from game_item_locations
        where p_nouns[i] = 'location' and location_id = case when p_nouns[i] = 'location' then p_ids[i]::uuid end
          and not consumed
        order by game_item_id limit v_most)
      union all
      (select * from game_item_locations
        where p_nouns[i] = 'owner' and owner_id = case when p_nouns[i] = 'owner' then p_ids[i]::uuid end
          and not consumed
        order by game_item_id limit v_most)
    loop
      continue when v_row.game_item_id = any (v_seen);
      return next v_row;
      v_seen := v_seen || v_row.game_item_id;
      if cardinality(v_seen) >= v_most then
        return;
      end if;
    end loop;
  end loop;
end
$$;

-- The nearest things of an area are what this index hands out first.
create index game_item_locations_by_place on game_item_locations
  using gist (area_code, cube(array[x, y, z])) where not consumed;
