-- What an item was created with (name, kind, maxStack); null while it has never been changed. A repeat of its creation
-- is known by it.
alter table items add column first_content json;

create extension if not exists pg_trgm;

-- By bytes, so that a prefix is a range.
create index items_by_id_text on items (item_id collate "C");
create index items_by_name_text on items ((lower(name) collate "C"), item_id);
create index items_by_trigrams on items using gin ((lower(name) || ' ' || item_id) gin_trgm_ops);

-- The items that a text means, best first, at most p_limit: those whose id or name begins with it, the shortest first,
-- then those whose name and id hold something like it, the most similar first. Each step is a range of one index, of
-- which at most 1,000 items are compared.
create function search_items(p_query text, p_limit integer) returns table (
  item_id text, name text, kind text, max_stack bigint, version bigint, created_at timestamptz
)
language plpgsql stable
set pg_trgm.word_similarity_threshold = 0.35
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  c_candidates constant integer := 1000;
  v_text text := lower(trim(p_query));
  -- Above every text that begins with v_text.
  v_end text := v_text || chr(1114111);
  v_found text[];
begin
  v_found := array(
    select b.item_id from (
      (select i.item_id, i.item_id as text from items i
        where i.item_id collate "C" >= v_text and i.item_id collate "C" < v_end
        order by i.item_id collate "C" limit c_candidates)
      union all
      (select i.item_id, lower(i.name) from items i
        where lower(i.name) collate "C" >= v_text and lower(i.name) collate "C" < v_end
        order by lower(i.name) collate "C", i.item_id limit c_candidates)
    ) b
    group by b.item_id order by min(length(b.text)), b.item_id limit p_limit);
  if cardinality(v_found) < p_limit then
    v_found := v_found || array(
      select c.item_id from (
        select i.item_id, word_similarity(v_text, lower(i.name) || ' ' || i.item_id) as similarity, i.name
        from items i
        where v_text <% (lower(i.name) || ' ' || i.item_id) and i.item_id <> all (v_found)
        limit c_candidates
      ) c
      order by c.similarity desc, length(c.name), c.item_id limit p_limit - cardinality(v_found));
  end if;
  return query
    select i.item_id, i.name, i.kind, i.max_stack, i.version, i.created_at
    from unnest(v_found) with ordinality as f(item_id, place) join items i on i.item_id = f.item_id
    order by f.place;
end
$$;
