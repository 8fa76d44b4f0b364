create sequence schema_migrations_id_seq as integer increment 1 minvalue 1 maxvalue 2147483647 start 1 cache 1;

create table follow_position (
  singleton boolean not null default true,
  epoch bigint not null default 0,
  step bigint not null default 0,
  source_transaction bigint,
  source_id bigint,
  as_of timestamp with time zone,
  touched_players uuid[] not null default '{}'::uuid[],
  touched_locations uuid[] not null default '{}'::uuid[],
  constraint follow_position_check CHECK (((source_transaction IS NULL) = (source_id IS NULL))),
  constraint follow_position_singleton_check CHECK (singleton),
  constraint follow_position_pkey PRIMARY KEY (singleton)
);

create table game_item_locations (
  game_item_id uuid not null,
  item_id text not null,
  item_name text not null,
  item_kind text not null,
  item_version bigint not null,
  quantity bigint not null,
  owner_id uuid not null,
  owner_name text not null,
  owner_name_version bigint not null,
  location_id uuid,
  location_name text not null,
  area_code text not null,
  x double precision not null default 0,
  y double precision not null default 0,
  z double precision not null default 0,
  version bigint not null default 1,
  source_version bigint not null,
  consumed boolean not null,
  updated_at timestamp with time zone not null default now(),
  location_version bigint not null default 0,
  constraint consumed_means_none_left CHECK ((consumed = (quantity = 0))),
  constraint game_item_locations_quantity_check CHECK ((quantity >= 0)),
  constraint game_item_locations_pkey PRIMARY KEY (game_item_id)
);
CREATE INDEX game_item_locations_by_area ON public.game_item_locations USING btree (area_code, game_item_id) WHERE (NOT consumed);
CREATE INDEX game_item_locations_by_item ON public.game_item_locations USING btree (item_id, game_item_id) WHERE (NOT consumed);
CREATE INDEX game_item_locations_by_location ON public.game_item_locations USING btree (location_id, game_item_id) WHERE (NOT consumed);
CREATE INDEX game_item_locations_by_owner ON public.game_item_locations USING btree (owner_id, game_item_id) WHERE (NOT consumed);
CREATE INDEX game_item_locations_by_place ON public.game_item_locations USING gist (area_code, cube(ARRAY[x, y, z])) WHERE (NOT consumed);

create table heartbeat (
  singleton boolean not null,
  at timestamp with time zone not null,
  timeline integer not null,
  constraint heartbeat_singleton_check CHECK (singleton),
  constraint heartbeat_pkey PRIMARY KEY (singleton)
);

create table item_names (
  item_id text not null,
  name text not null,
  kind text not null,
  version bigint not null,
  constraint item_names_pkey PRIMARY KEY (item_id)
);
CREATE INDEX item_names_by_text ON public.item_names USING btree (lower(name) COLLATE "C", item_id);
CREATE INDEX item_names_by_trigrams ON public.item_names USING gin (lower(name) gin_trgm_ops);

create table location_versions (
  location_id uuid not null,
  version bigint not null,
  constraint location_versions_pkey PRIMARY KEY (location_id)
);

create table locations (
  location_id uuid not null,
  name text not null,
  area_code text not null,
  version bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  first_content json,
  constraint locations_area_code_check CHECK ((area_code <> ''::text)),
  constraint locations_pkey PRIMARY KEY (location_id)
);
CREATE INDEX locations_by_area ON public.locations USING btree (area_code, location_id);
CREATE INDEX locations_by_text ON public.locations USING btree (lower(name) COLLATE "C", location_id);
CREATE INDEX locations_by_trigrams ON public.locations USING gin (lower(name) gin_trgm_ops);

create table move_requests (
  request_id uuid not null,
  content_hash bytea not null,
  answer jsonb,
  created_at timestamp with time zone not null default now(),
  touched_locations uuid[] not null default '{}'::uuid[],
  constraint move_requests_pkey PRIMARY KEY (request_id)
);
CREATE INDEX move_requests_by_time ON public.move_requests USING btree (created_at);

create table parked_events (
  parked_event_id bigint not null generated always as identity,
  event jsonb not null,
  reason text not null,
  created_at timestamp with time zone not null default now(),
  constraint parked_events_pkey PRIMARY KEY (parked_event_id)
);

create table player_names (
  player_id uuid not null,
  name text not null,
  version bigint not null,
  constraint player_names_pkey PRIMARY KEY (player_id)
);
CREATE INDEX player_names_by_text ON public.player_names USING btree (lower(name) COLLATE "C", player_id);
CREATE INDEX player_names_by_trigrams ON public.player_names USING gin (lower(name) gin_trgm_ops);

create table player_versions (
  player_id uuid not null,
  version bigint not null,
  constraint player_versions_pkey PRIMARY KEY (player_id)
);

create table renames (
  noun text not null,
  id text not null,
  version bigint not null,
  done_through uuid,
  rows_done bigint not null default 0,
  started_at timestamp with time zone not null default clock_timestamp(),
  finished boolean not null default false,
  touched_players uuid[] not null default '{}'::uuid[],
  touched_locations uuid[] not null default '{}'::uuid[],
  worked_at timestamp with time zone not null default clock_timestamp(),
  constraint renames_noun_check CHECK ((noun = ANY (ARRAY['item'::text, 'location'::text, 'owner'::text]))),
  constraint renames_pkey PRIMARY KEY (noun, id)
);
CREATE INDEX renames_in_turn ON public.renames USING btree (worked_at, noun, id);

create table schema_migrations (
  id integer not null default nextval('schema_migrations_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (id)
);

create view normalized_item_locations as
 SELECT g.game_item_id,
    g.item_id,
    COALESCE(i.name, ''::text) AS item_name,
    COALESCE(i.kind, ''::text) AS item_kind,
    g.quantity,
    g.owner_id,
    COALESCE(p.name, ''::text) AS owner_name,
    g.location_id,
    COALESCE(l.name, ''::text) AS location_name,
    COALESCE(l.area_code, ''::text) AS area_code,
    g.x,
    g.y,
    g.z,
    g.version,
    g.source_version,
    g.updated_at
   FROM game_item_locations g
     LEFT JOIN item_names i ON i.item_id = g.item_id
     LEFT JOIN player_names p ON p.player_id = g.owner_id
     LEFT JOIN locations l ON l.location_id = g.location_id
  WHERE NOT g.consumed;

create view rename_progress as
 SELECT noun,
    id,
    version,
    started_at,
    rows_done,
        CASE noun
            WHEN 'item'::text THEN ( SELECT count(*) AS count
               FROM game_item_locations g
              WHERE g.item_id = r.id AND NOT g.consumed AND (r.done_through IS NULL OR g.game_item_id > r.done_through))
            WHEN 'location'::text THEN ( SELECT count(*) AS count
               FROM game_item_locations g
              WHERE g.location_id =
                    CASE r.noun
                        WHEN 'location'::text THEN r.id::uuid
                        ELSE NULL::uuid
                    END AND NOT g.consumed AND (r.done_through IS NULL OR g.game_item_id > r.done_through))
            ELSE ( SELECT count(*) AS count
               FROM game_item_locations g
              WHERE g.owner_id =
                    CASE r.noun
                        WHEN 'owner'::text THEN r.id::uuid
                        ELSE NULL::uuid
                    END AND NOT g.consumed AND (r.done_through IS NULL OR g.game_item_id > r.done_through))
        END AS rows_left
   FROM renames r;

CREATE OR REPLACE FUNCTION apply_item_events(p_epoch bigint, p_step bigint, p_players jsonb, p_items jsonb, p_game_items jsonb, p_refused jsonb, p_named uuid[], p_after uuid, p_through uuid, p_transaction bigint, p_id bigint, p_as_of timestamp with time zone, OUT outcome text, OUT parked integer, OUT players uuid[], OUT locations uuid[])
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  v_position follow_position;
begin
  parked := 0;
  select * into strict v_position from follow_position for update;
  if v_position.epoch <> p_epoch or p_step not in (v_position.step, v_position.step + 1) then
    outcome := 'REPLACED';
    return;
  end if;
  if v_position.step = p_step then
    outcome := 'ALREADY';
    players := v_position.touched_players;
    locations := v_position.touched_locations;
    return;
  end if;

  begin
    select s.players, s.locations into players, locations
    from apply_item_states(p_players, p_items, p_game_items, p_named, p_after, p_through) s;
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
    select s.parked, s.players, s.locations into parked, players, locations
    from apply_item_states_singly(p_players, p_items, p_game_items, p_named, p_after, p_through) s;
  end;

  players := array(select distinct p from unnest(players) p where p is not null);
  locations := array(select distinct l from unnest(locations) l where l is not null);
  insert into parked_events (event, reason)
  select e.event, e.reason from jsonb_to_recordset(p_refused) as e (event jsonb, reason text);
  parked := parked + jsonb_array_length(p_refused);

  update follow_position set
    step = p_step,
    source_transaction = coalesce(p_transaction, source_transaction),
    source_id = coalesce(p_id, source_id),
    as_of = case when p_transaction is null then as_of else p_as_of end,
    touched_players = players,
    touched_locations = locations;
  outcome := 'APPLIED';
end
$function$
;

CREATE OR REPLACE FUNCTION apply_item_states(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT players uuid[], OUT locations uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  v_players uuid[];
  v_items text[];
  v_gone uuid[] := '{}';
  v_locked uuid[];
  v_more record;
begin
  players := '{}';
  locations := '{}';
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
    into players, locations from applied;
  end if;

  if cardinality(v_gone) > 0 then
    with gone as (
      update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
      where game_item_id = any (v_gone) and not consumed
      returning owner_id, location_id
    )
    select array_agg(owner_id) as owners, array_agg(location_id) as locations into v_more from gone;
    players := players || v_more.owners;
    locations := locations || v_more.locations;
  end if;

  perform raise_listing_versions(players, locations);
end
$function$
;

CREATE OR REPLACE FUNCTION apply_item_states_singly(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT parked integer, OUT players uuid[], OUT locations uuid[])
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  v_state record;
  v_touched record;
begin
  parked := 0;
  players := '{}';
  locations := '{}';
  for v_state in
    select 'player' as noun, player as state from jsonb_array_elements(p_players) as player
    union all
    select 'item', item from jsonb_array_elements(p_items) as item
    union all
    select 'game_item', game_item from jsonb_array_elements(p_game_items) as game_item
  loop
    begin
      select * into v_touched from apply_item_states(
        case when v_state.noun = 'player' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'item' then jsonb_build_array(v_state.state) else '[]' end,
        case when v_state.noun = 'game_item' then jsonb_build_array(v_state.state) else '[]' end,
        null, null, null
      );
      players := players || v_touched.players;
      locations := locations || v_touched.locations;
    exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
      insert into parked_events (event, reason) values (jsonb_build_object(v_state.noun, v_state.state), sqlerrm);
      parked := parked + 1;
    end;
  end loop;
  select * into v_touched from apply_item_states('[]', '[]', '[]', p_named, p_after, p_through);
  players := players || v_touched.players;
  locations := locations || v_touched.locations;
end
$function$
;

CREATE OR REPLACE FUNCTION as_of()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when pg_is_in_recovery() then (select at from heartbeat) else statement_timestamp() end
$function$
;

CREATE OR REPLACE FUNCTION begin_following()
 RETURNS TABLE(epoch bigint, step bigint, source_transaction bigint, source_id bigint, touched_players uuid[], touched_locations uuid[])
 LANGUAGE sql
AS $function$
  update follow_position f set epoch = f.epoch + 1
  returning f.epoch, f.step, f.source_transaction, f.source_id, f.touched_players, f.touched_locations;
$function$
;

CREATE OR REPLACE FUNCTION begin_renames(p_noun text, p_ids text[])
 RETURNS void
 LANGUAGE plpgsql
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION forget_position(p_epoch bigint)
 RETURNS boolean
 LANGUAGE sql
AS $function$
  with forgotten as (
    update follow_position set source_transaction = null, source_id = null where epoch = p_epoch returning 1
  )
  select exists (select from forgotten);
$function$
;

CREATE OR REPLACE FUNCTION item_location_json(p_row game_item_locations)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
AS $function$
  select jsonb_build_object(
    'game_item_id', p_row.game_item_id, 'item_id', p_row.item_id, 'item_name', p_row.item_name,
    'item_kind', p_row.item_kind, 'quantity', p_row.quantity::text, 'owner_id', p_row.owner_id,
    'owner_name', p_row.owner_name, 'location_id', p_row.location_id, 'location_name', p_row.location_name,
    'area_code', p_row.area_code, 'x', p_row.x, 'y', p_row.y, 'z', p_row.z, 'version', p_row.version::text,
    'source_version', p_row.source_version::text, 'updated_at', p_row.updated_at
  );
$function$
;

CREATE OR REPLACE FUNCTION item_locations_named(p_nouns text[], p_ids text[], p_limit integer, p_without uuid[])
 RETURNS SETOF game_item_locations
 LANGUAGE plpgsql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION move_items(p_request_id uuid, p_content_hash bytea, p_mover uuid, p_game_items uuid[], p_locations uuid[], p_x double precision[], p_y double precision[], p_z double precision[], p_expected bigint[])
 RETURNS jsonb
 LANGUAGE plpgsql
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION names_beginning_with(p_text text, p_limit integer)
 RETURNS TABLE(noun text, id text, place bigint)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT n.noun,
     n.id,
     row_number() OVER (ORDER BY n.length, n.noun, n.id) AS row_number
    FROM (( SELECT 'item'::text AS noun,
             i.item_id AS id,
             length(i.name) AS length
            FROM item_names i
           WHERE (((lower(i.name) COLLATE "C") >= names_beginning_with.p_text) AND ((lower(i.name) COLLATE "C") < (names_beginning_with.p_text || chr(1114111))))
           ORDER BY (lower(i.name) COLLATE "C"), i.item_id
          LIMIT names_beginning_with.p_limit)
         UNION ALL
         ( SELECT 'location'::text,
             (l.location_id)::text AS location_id,
             length(l.name) AS length
            FROM locations l
           WHERE (((lower(l.name) COLLATE "C") >= names_beginning_with.p_text) AND ((lower(l.name) COLLATE "C") < (names_beginning_with.p_text || chr(1114111))))
           ORDER BY (lower(l.name) COLLATE "C"), l.location_id
          LIMIT names_beginning_with.p_limit)
         UNION ALL
         ( SELECT 'owner'::text,
             (p.player_id)::text AS player_id,
             length(p.name) AS length
            FROM player_names p
           WHERE (((lower(p.name) COLLATE "C") >= names_beginning_with.p_text) AND ((lower(p.name) COLLATE "C") < (names_beginning_with.p_text || chr(1114111))))
           ORDER BY (lower(p.name) COLLATE "C"), p.player_id
          LIMIT names_beginning_with.p_limit)) n
   ORDER BY (row_number() OVER (ORDER BY n.length, n.noun, n.id));
END
;

CREATE OR REPLACE FUNCTION names_like(p_text text, p_limit integer)
 RETURNS TABLE(noun text, id text, place bigint)
 LANGUAGE plpgsql
 STABLE
 SET "pg_trgm.word_similarity_threshold" TO '0.35'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_bitmapscan TO 'on'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION normalized_player_item_locations(p_player uuid, p_after uuid, p_limit integer)
 RETURNS SETOF normalized_item_locations
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT normalized_item_locations.game_item_id,
     normalized_item_locations.item_id,
     normalized_item_locations.item_name,
     normalized_item_locations.item_kind,
     normalized_item_locations.quantity,
     normalized_item_locations.owner_id,
     normalized_item_locations.owner_name,
     normalized_item_locations.location_id,
     normalized_item_locations.location_name,
     normalized_item_locations.area_code,
     normalized_item_locations.x,
     normalized_item_locations.y,
     normalized_item_locations.z,
     normalized_item_locations.version,
     normalized_item_locations.source_version,
     normalized_item_locations.updated_at
    FROM normalized_item_locations
   WHERE ((normalized_item_locations.owner_id = normalized_player_item_locations.p_player) AND ((normalized_player_item_locations.p_after IS NULL) OR (normalized_item_locations.game_item_id > normalized_player_item_locations.p_after)))
   ORDER BY normalized_item_locations.game_item_id
  LIMIT normalized_player_item_locations.p_limit;
END
;

CREATE OR REPLACE FUNCTION raise_listing_versions(p_players uuid[], p_locations uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform raise_player_versions(p_players);
  insert into location_versions as known (location_id, version)
  select distinct location_id, 1 from unnest(p_locations) as touched (location_id)
  where location_id is not null order by location_id
  on conflict (location_id) do update set version = known.version + 1;
end
$function$
;

CREATE OR REPLACE FUNCTION raise_player_versions(p_players uuid[])
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into player_versions as known (player_id, version)
  select distinct player_id, 1 from unnest(p_players) as touched (player_id) where player_id is not null order by player_id
  on conflict (player_id) do update set version = known.version + 1;
$function$
;

CREATE OR REPLACE FUNCTION rename_batch(p_limit integer, OUT renamed integer, OUT pending bigint, OUT owners uuid[], OUT locations uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION rename_locations()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (select from changed) then
    return null;
  end if;
  perform pg_advisory_xact_lock(5350053);
  perform begin_renames('location', array(select location_id::text from changed));
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION repair_item_locations(p_states jsonb, p_gone uuid[])
 RETURNS bigint
 LANGUAGE plpgsql
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  v_players text[];
  v_items text[];
  v_changed record;
begin
  perform from follow_position for update;
  perform share_location_names();

  with changed as (
    insert into player_names as known (player_id, name, version)
    select distinct on (e.owner_id) e.owner_id, e.owner_name, e.owner_name_version
    from jsonb_to_recordset(p_states) as e (owner_id uuid, owner_name text, owner_name_version bigint)
    order by e.owner_id
    on conflict (player_id) do update set name = excluded.name, version = excluded.version
    where known.version <= excluded.version and (known.name, known.version) <> (excluded.name, excluded.version)
    returning player_id
  )
  select coalesce(array_agg(player_id::text), '{}') into v_players from changed;

  with changed as (
    insert into item_names as known (item_id, name, kind, version)
    select distinct on (e.item_id) e.item_id, e.item_name, e.item_kind, e.item_version
    from jsonb_to_recordset(p_states) as e (item_id text, item_name text, item_kind text, item_version bigint)
    order by e.item_id
    on conflict (item_id) do update set name = excluded.name, kind = excluded.kind, version = excluded.version
    where known.version <= excluded.version
      and (known.name, known.kind, known.version) <> (excluded.name, excluded.kind, excluded.version)
    returning item_id
  )
  select coalesce(array_agg(item_id), '{}') into v_items from changed;

  -- Before the rows of things are locked, as whoever else changes both.
  perform begin_renames('owner', v_players);
  perform begin_renames('item', v_items);

  perform from game_item_locations g
  where g.game_item_id = any (
    p_gone || array(select e.game_item_id from jsonb_to_recordset(p_states) as e (game_item_id uuid)))
  order by g.game_item_id for no key update;

  with repaired as (
    insert into game_item_locations as known (
      game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id, owner_name, owner_name_version,
      location_name, area_code, source_version, consumed
    )
    select e.game_item_id, e.item_id, e.item_name, e.item_kind, e.item_version, e.quantity, e.owner_id, e.owner_name,
      e.owner_name_version, '', '', e.version, false
    from jsonb_to_recordset(p_states) as e (game_item_id uuid, item_id text, item_name text, item_kind text,
      item_version bigint, quantity bigint, owner_id uuid, owner_name text, owner_name_version bigint, version bigint)
    order by e.game_item_id
    on conflict (game_item_id) do update set
      item_id = excluded.item_id, item_name = excluded.item_name, item_kind = excluded.item_kind,
      item_version = excluded.item_version, quantity = excluded.quantity, owner_id = excluded.owner_id,
      owner_name = excluded.owner_name, owner_name_version = excluded.owner_name_version,
      location_name = coalesce((select l.name from locations l where l.location_id = known.location_id), ''),
      area_code = coalesce((select l.area_code from locations l where l.location_id = known.location_id), ''),
      location_version = coalesce((select l.version from locations l where l.location_id = known.location_id), 0),
      source_version = excluded.source_version, consumed = false, version = known.version + 1, updated_at = now()
    where known.source_version <= excluded.source_version
    returning old.owner_id as old_owner, new.owner_id, new.location_id
  ), gone as (
    update game_item_locations set quantity = 0, consumed = true, version = version + 1, updated_at = now()
    where game_item_id = any (p_gone) and not consumed
    returning owner_id as old_owner, owner_id, location_id
  ), changed as (select * from repaired union all select * from gone)
  select count(*) as rows, array_agg(old_owner) || array_agg(owner_id) as owners, array_agg(location_id) as locations
  into v_changed from changed;
  perform raise_listing_versions(v_changed.owners, v_changed.locations);
  return v_changed.rows;
end
$function$
;

CREATE OR REPLACE FUNCTION runtime_may(privileges text, object text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if not exists (select from pg_roles where rolname = current_database()) then
    return;
  end if;
  execute format('revoke all on %s from %I', object, current_database());
  if privileges <> '' then
    execute format('grant %s on %s to %I', privileges, object, current_database());
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION share_location_names()
 RETURNS void
 LANGUAGE sql
AS $function$
  select pg_advisory_xact_lock_shared(5350053);
$function$
;

CREATE OR REPLACE FUNCTION wal_position()
 RETURNS TABLE(timeline integer, lsn pg_lsn)
 LANGUAGE sql
 STABLE
AS $function$
  select
    case
      when pg_is_in_recovery() then (select heartbeat.timeline from heartbeat)
      else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
    end,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end
$function$
;

CREATE TRIGGER locations_changed AFTER UPDATE ON locations REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rename_locations();

CREATE TRIGGER locations_created AFTER INSERT ON locations REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION rename_locations();

grant execute on function apply_item_events(p_epoch bigint, p_step bigint, p_players jsonb, p_items jsonb, p_game_items jsonb, p_refused jsonb, p_named uuid[], p_after uuid, p_through uuid, p_transaction bigint, p_id bigint, p_as_of timestamp with time zone, OUT outcome text, OUT parked integer, OUT players uuid[], OUT locations uuid[]) to public;
grant execute on function apply_item_events(p_epoch bigint, p_step bigint, p_players jsonb, p_items jsonb, p_game_items jsonb, p_refused jsonb, p_named uuid[], p_after uuid, p_through uuid, p_transaction bigint, p_id bigint, p_as_of timestamp with time zone, OUT outcome text, OUT parked integer, OUT players uuid[], OUT locations uuid[]) to runtime;
grant execute on function apply_item_states(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT players uuid[], OUT locations uuid[]) to public;
grant execute on function apply_item_states(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT players uuid[], OUT locations uuid[]) to runtime;
grant execute on function apply_item_states_singly(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT parked integer, OUT players uuid[], OUT locations uuid[]) to public;
grant execute on function apply_item_states_singly(p_players jsonb, p_items jsonb, p_game_items jsonb, p_named uuid[], p_after uuid, p_through uuid, OUT parked integer, OUT players uuid[], OUT locations uuid[]) to runtime;
grant execute on function as_of() to public;
grant execute on function as_of() to runtime;
grant execute on function begin_following() to public;
grant execute on function begin_following() to runtime;
grant execute on function begin_renames(p_noun text, p_ids text[]) to public;
grant execute on function begin_renames(p_noun text, p_ids text[]) to runtime;
grant execute on function forget_position(p_epoch bigint) to public;
grant execute on function forget_position(p_epoch bigint) to runtime;
grant execute on function item_location_json(p_row game_item_locations) to public;
grant execute on function item_location_json(p_row game_item_locations) to runtime;
grant execute on function item_locations_named(p_nouns text[], p_ids text[], p_limit integer, p_without uuid[]) to public;
grant execute on function item_locations_named(p_nouns text[], p_ids text[], p_limit integer, p_without uuid[]) to runtime;
grant execute on function move_items(p_request_id uuid, p_content_hash bytea, p_mover uuid, p_game_items uuid[], p_locations uuid[], p_x double precision[], p_y double precision[], p_z double precision[], p_expected bigint[]) to public;
grant execute on function move_items(p_request_id uuid, p_content_hash bytea, p_mover uuid, p_game_items uuid[], p_locations uuid[], p_x double precision[], p_y double precision[], p_z double precision[], p_expected bigint[]) to runtime;
grant execute on function names_beginning_with(p_text text, p_limit integer) to public;
grant execute on function names_beginning_with(p_text text, p_limit integer) to runtime;
grant execute on function names_like(p_text text, p_limit integer) to public;
grant execute on function names_like(p_text text, p_limit integer) to runtime;
grant execute on function normalized_player_item_locations(p_player uuid, p_after uuid, p_limit integer) to public;
grant execute on function normalized_player_item_locations(p_player uuid, p_after uuid, p_limit integer) to runtime;
grant execute on function raise_listing_versions(p_players uuid[], p_locations uuid[]) to public;
grant execute on function raise_listing_versions(p_players uuid[], p_locations uuid[]) to runtime;
grant execute on function raise_player_versions(p_players uuid[]) to public;
grant execute on function raise_player_versions(p_players uuid[]) to runtime;
grant execute on function rename_batch(p_limit integer, OUT renamed integer, OUT pending bigint, OUT owners uuid[], OUT locations uuid[]) to public;
grant execute on function rename_batch(p_limit integer, OUT renamed integer, OUT pending bigint, OUT owners uuid[], OUT locations uuid[]) to runtime;
grant execute on function rename_locations() to public;
grant execute on function rename_locations() to runtime;
grant execute on function share_location_names() to public;
grant execute on function share_location_names() to runtime;
grant execute on function wal_position() to public;
grant execute on function wal_position() to runtime;
grant select, usage on sequence parked_events_parked_event_id_seq to runtime;
grant select, update on table follow_position to runtime;
grant insert, select, update on table game_item_locations to runtime;
grant select, update on table heartbeat to runtime;
grant insert, select, update on table item_names to runtime;
grant insert, select, update on table location_versions to runtime;
grant insert, select, update on table locations to runtime;
grant delete, insert, select, update on table move_requests to runtime;
grant select on table normalized_item_locations to runtime;
grant insert, select on table parked_events to runtime;
grant insert, select, update on table player_names to runtime;
grant insert, select, update on table player_versions to runtime;
grant select on table rename_progress to runtime;
grant delete, insert, select, update on table renames to runtime;
grant select on table schema_migrations to runtime;
