-- The names that begin with a text, the shortest first: of each noun at most p_limit, the first by their letters and then
-- by their ids, in the order of its index, however many are equal.
create or replace function names_beginning_with(p_text text, p_limit integer)
returns table (noun text, id text, place bigint)
language sql stable
begin atomic
  select n.noun, n.id, row_number() over (order by n.length, n.noun, n.id) from (
    (select 'item' as noun, i.item_id as id, length(i.name) as length from item_names i
      where lower(i.name) collate "C" >= p_text and lower(i.name) collate "C" < p_text || chr(1114111)
      order by lower(i.name) collate "C", i.item_id limit p_limit)
    union all
    (select 'location', l.location_id::text, length(l.name) from locations l
      where lower(l.name) collate "C" >= p_text and lower(l.name) collate "C" < p_text || chr(1114111)
      order by lower(l.name) collate "C", l.location_id limit p_limit)
    union all
    (select 'owner', p.player_id::text, length(p.name) from player_names p
      where lower(p.name) collate "C" >= p_text and lower(p.name) collate "C" < p_text || chr(1114111)
      order by lower(p.name) collate "C", p.player_id limit p_limit)
  ) as n
  order by 3;
end;

-- The names that hold something like a text, the most similar first: of each noun at most p_limit, of at most 1,000 that
-- are compared. A text without a letter or digit is like nothing. Its cost grows with how common its trigrams are:
-- whoever calls bounds the time.
create or replace function names_like(p_text text, p_limit integer)
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
    select r.noun, r.id, row_number() over (order by r.similarity desc, r.length, r.noun, r.id) from (
      select n.noun, n.id, n.similarity, length(n.name) as length,
        row_number() over (partition by n.noun order by n.similarity desc, length(n.name), n.id) as place
      from (
        (select 'item' as noun, i.item_id as id, i.name, word_similarity(p_text, lower(i.name)) as similarity
          from item_names i where p_text <% lower(i.name) limit 1000)
        union all
        (select 'location', l.location_id::text, l.name, word_similarity(p_text, lower(l.name))
          from locations l where p_text <% lower(l.name) limit 1000)
        union all
        (select 'owner', p.player_id::text, p.name, word_similarity(p_text, lower(p.name))
          from player_names p where p_text <% lower(p.name) limit 1000)
      ) as n
    ) as r
    where r.place <= p_limit
    order by 3;
end
$$;
