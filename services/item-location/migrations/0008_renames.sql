-- The version of its location whose name and area a row shows; 0: from before such versions were kept.
alter table game_item_locations add column location_version bigint not null default 0;

-- What a location was created with (name, areaCode); null while it has never been changed. A repeat of its creation is
-- known by it.
alter table locations add column first_content json;
select runtime_may('select, insert, update', 'table locations');

-- Names that have changed and that some rows still show as they were: a work that is done in batches, by id of the
-- things, and is gone when it is done. A name that changes again begins again.
create table renames (
  noun text not null check (noun in ('item', 'location', 'owner')),
  id text not null,
  -- Of the item, location or player: rows are brought to it, each once.
  version bigint not null,
  -- Rows up to this id are done.
  done_through uuid,
  rows_done bigint not null default 0,
  started_at timestamptz not null default clock_timestamp(),
  primary key (noun, id)
);
create index renames_in_turn on renames (started_at, noun, id);
select runtime_may('select, insert, update, delete', 'table renames');

-- For operators: how far the renames have come. rows_left counts rows: it takes a moment for a name with many.
create view rename_progress as
select r.noun, r.id, r.version, r.started_at, r.rows_done,
  case r.noun
    when 'item' then (select count(*) from game_item_locations g
      where g.item_id = r.id and not g.consumed and (r.done_through is null or g.game_item_id > r.done_through))
    when 'location' then (select count(*) from game_item_locations g
      where g.location_id = case r.noun when 'location' then r.id::uuid end and not g.consumed
        and (r.done_through is null or g.game_item_id > r.done_through))
    else (select count(*) from game_item_locations g
      where g.owner_id = case r.noun when 'owner' then r.id::uuid end and not g.consumed
        and (r.done_through is null or g.game_item_id > r.done_through))
  end as rows_left
from renames r;
select runtime_may('select', 'table rename_progress');

-- Whoever copies names of locations into rows shares them until its commit; whoever changes them has them alone: so
-- every row either has the new name, or is there to be renamed once the change is known.
create function share_location_names() returns void
language sql as $$
  select pg_advisory_xact_lock_shared(5350053);
$$;

-- Has the changed names brought into the rows that show older ones, if there are any.
create function begin_renames(p_noun text, p_ids text[]) returns void
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
    set version = excluded.version, done_through = null, rows_done = 0, started_at = clock_timestamp();
end
$$;

-- A location is created or changed: rows that wait for its name, or show the one before, follow.
drop trigger fill_in_locations on locations;
drop function fill_in_locations();

create function rename_locations() returns trigger
language plpgsql as $$
begin
  if not exists (select from changed) then
    return null;
  end if;
  perform pg_advisory_xact_lock(5350053);
  perform begin_renames('location', array(select location_id::text from changed));
  return null;
end
$$;
create trigger locations_created after insert on locations
  referencing new table as changed for each statement execute function rename_locations();
create trigger locations_changed after update on locations
  referencing new table as changed for each statement execute function rename_locations();

-- Does the next part of the rename that has waited longest: at most p_limit rows, in one transaction, one process at a
-- time. Rows are locked in id order, as by whoever else changes them; each is changed once for a version of its name.
-- Answers the rows changed and how many renames there are, this one included: none, nothing was left to be done, or
-- another process does it.
create function rename_batch(
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
  if cardinality(v_ids) < p_limit then
    delete from renames where noun = v_rename.noun and id = v_rename.id;
  else
    update renames set done_through = v_ids[p_limit], rows_done = rows_done + renamed
    where noun = v_rename.noun and id = v_rename.id;
  end if;
end
$$;
