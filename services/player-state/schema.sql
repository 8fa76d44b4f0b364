create type ledger_line as (
  transaction_id uuid,
  at timestamp with time zone,
  entry_no smallint,
  operation_index smallint,
  player_id uuid,
  player_version bigint,
  currency text,
  amount bigint,
  item_id text,
  game_item_id uuid,
  quantity bigint,
  left_over bigint,
  version bigint,
  kind text,
  granted_location_id uuid,
  created_at timestamp with time zone
);

create sequence schema_migrations_id_seq as integer increment 1 minvalue 1 maxvalue 2147483647 start 1 cache 1;

create table balances (
  player_id uuid not null,
  currency text not null,
  amount bigint not null,
  constraint balances_amount_check CHECK ((amount >= 0)),
  constraint balances_pkey PRIMARY KEY (player_id, currency)
) with (fillfactor=85);

create table game_items (
  game_item_id uuid not null default uuidv7(),
  owner_id uuid not null,
  item_id text not null,
  quantity bigint not null,
  version bigint not null default 1,
  granted_location_id uuid,
  created_at timestamp with time zone not null,
  constraint game_items_quantity_check CHECK ((quantity > 0)),
  constraint game_items_pkey PRIMARY KEY (game_item_id)
) with (fillfactor=90);
CREATE INDEX game_items_owner ON public.game_items USING btree (owner_id, game_item_id);

create table heartbeat (
  singleton boolean not null,
  at timestamp with time zone not null,
  timeline integer not null,
  constraint heartbeat_singleton_check CHECK (singleton),
  constraint heartbeat_pkey PRIMARY KEY (singleton)
);

create table items (
  item_id text not null,
  name text not null,
  kind text not null,
  max_stack bigint not null default 1,
  version bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  first_content json,
  constraint items_item_id_check CHECK ((item_id ~ '^[a-z0-9][a-z0-9_.-]{0,127}$'::text)),
  constraint items_kind_check CHECK (((length(kind) >= 1) AND (length(kind) <= 255))),
  constraint items_max_stack_check CHECK (((max_stack >= 1) AND (max_stack <= 1000000000))),
  constraint items_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
  constraint items_pkey PRIMARY KEY (item_id)
);
CREATE INDEX items_by_id_text ON public.items USING btree (item_id COLLATE "C");
CREATE INDEX items_by_name_text ON public.items USING btree (lower(name) COLLATE "C", item_id);
CREATE INDEX items_by_trigrams ON public.items USING gin ((((lower(name) || ' '::text) || item_id)) gin_trgm_ops);

create table outbox (
  xid bigint not null default ((pg_current_xact_id())::text)::bigint,
  id bigint not null generated always as identity,
  event json not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (xid, id)
);

create table outbox_trim (
  singleton boolean not null default true,
  xid bigint not null,
  id bigint not null,
  constraint outbox_trim_singleton_check CHECK (singleton),
  constraint outbox_trim_pkey PRIMARY KEY (singleton)
);

create table parked_session_events (
  event_id uuid not null,
  player_id uuid not null,
  area_code text not null,
  multiplayer_mode text not null,
  event_name text not null,
  event_time timestamp with time zone not null,
  reason text not null,
  parked_at timestamp with time zone not null default now(),
  constraint parked_session_events_pkey PRIMARY KEY (event_id)
);

create table players (
  player_id uuid not null,
  display_name text not null,
  version bigint not null default 1,
  name_version bigint not null default 1,
  item_count integer not null default 0,
  outbox_xid bigint not null,
  outbox_id bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  first_name text,
  constraint players_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 255))),
  constraint players_item_count_check CHECK ((item_count >= 0)),
  constraint players_pkey PRIMARY KEY (player_id)
) with (fillfactor=85);

create table schema_migrations (
  id integer not null default nextval('schema_migrations_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (id)
);

create table session_events (
  id bigint not null generated always as identity,
  event_id uuid not null default uuidv7(),
  player_id uuid not null,
  area_code text not null,
  multiplayer_mode text not null,
  event_name text not null,
  event_time timestamp with time zone not null,
  constraint session_events_event_name_check CHECK ((event_name = ANY (ARRAY['LOGIN'::text, 'LOGOUT'::text]))),
  constraint session_events_pkey PRIMARY KEY (id)
);

create table sessions (
  session_id uuid not null,
  player_id uuid not null,
  area_code text not null,
  multiplayer_mode text not null,
  started_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  lease_until timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint sessions_area_code_check CHECK (((length(area_code) >= 1) AND (length(area_code) <= 255))),
  constraint sessions_check CHECK ((last_seen_at >= started_at)),
  constraint sessions_check1 CHECK ((lease_until > started_at)),
  constraint sessions_check2 CHECK (((ended_at > started_at) AND (ended_at >= last_seen_at))),
  constraint sessions_multiplayer_mode_check CHECK (((length(multiplayer_mode) >= 1) AND (length(multiplayer_mode) <= 255))),
  constraint sessions_pkey PRIMARY KEY (session_id)
) with (fillfactor=85);
CREATE INDEX sessions_ended ON public.sessions USING brin (ended_at) WITH (pages_per_range='16');
CREATE INDEX sessions_lease ON public.sessions USING btree (lease_until) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX sessions_live ON public.sessions USING btree (player_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX sessions_player ON public.sessions USING btree (player_id, started_at);

create table transaction_entries (
  player_id uuid not null,
  created_at timestamp with time zone not null,
  transaction_id uuid not null,
  entry_no smallint not null,
  operation_index smallint not null,
  currency text,
  amount bigint,
  item_id text,
  game_item_id uuid,
  quantity bigint,
  constraint transaction_entries_check CHECK ((((num_nonnulls(currency, amount) = 2) AND (num_nonnulls(item_id, game_item_id, quantity) = 0)) OR ((num_nonnulls(currency, amount) = 0) AND (num_nonnulls(item_id, game_item_id, quantity) = 3)))),
  constraint transaction_entries_pkey PRIMARY KEY (player_id, created_at, transaction_id, entry_no)
) partition by RANGE (created_at);

create table transaction_requests (
  transaction_id uuid not null,
  content_hash bytea not null,
  answer json not null,
  created_at timestamp with time zone not null default now(),
  constraint transaction_requests_pkey PRIMARY KEY (transaction_id)
) partition by HASH (transaction_id);
CREATE INDEX transaction_requests_created ON ONLY public.transaction_requests USING brin (created_at) WITH (pages_per_range='16');

create table transaction_requests_0 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 0);

create table transaction_requests_1 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 1);

create table transaction_requests_2 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 2);

create table transaction_requests_3 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 3);

create table transaction_requests_4 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 4);

create table transaction_requests_5 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 5);

create table transaction_requests_6 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 6);

create table transaction_requests_7 partition of transaction_requests FOR VALUES WITH (modulus 8, remainder 7);

create table transactions (
  transaction_id uuid not null,
  created_at timestamp with time zone not null,
  player_ids uuid[] not null,
  constraint transactions_pkey PRIMARY KEY (transaction_id, created_at)
) partition by RANGE (created_at);

create view ledger as
 SELECT e.created_at,
    e.transaction_id,
    e.entry_no,
    e.operation_index,
    e.player_id,
    p.display_name,
    e.currency,
    e.amount,
    e.item_id,
    c.name AS item_name,
    e.game_item_id,
    e.quantity
   FROM transaction_entries e
     JOIN players p ON p.player_id = e.player_id
     LEFT JOIN items c ON c.item_id = e.item_id;

create view player_inventory as
 SELECT p.player_id,
    p.display_name,
    g.game_item_id,
    g.item_id,
    c.name AS item_name,
    c.kind AS item_kind,
    g.quantity,
    g.version,
    g.created_at
   FROM game_items g
     JOIN players p ON p.player_id = g.owner_id
     JOIN items c ON c.item_id = g.item_id;

CREATE OR REPLACE FUNCTION apply_transactions(p_transaction_ids uuid[], p_content_hashes bytea[], p_operation_ends integer[], p_expected_ends integer[], p_kinds text[], p_players uuid[], p_receivers uuid[], p_currencies text[], p_item_ids text[], p_game_item_ids uuid[], p_amounts bigint[], p_location_ids uuid[], p_expected_players uuid[], p_expected_versions bigint[], p_inventory_limit integer, p_touch_limit integer, OUT outcomes json, OUT states json, OUT replayed boolean)
 RETURNS record
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  c_most constant bigint := 9223372036854775807;
  -- What is known of a transaction before its answer is stored: that of a repeat, or a refusal.
  v_outcomes json[];
  -- Side by side: the players named, by id; their versions; how many game items each holds; when each was written, and
  -- whether that was about game items.
  v_players uuid[];
  v_versions bigint[];
  v_counts integer[];
  v_times timestamptz[];
  v_moved boolean[];
  v_lines ledger_line[] := '{}';
  v_xid bigint;
  v_outbox_id bigint;
  -- The transaction at hand.
  v_id uuid;
  v_now timestamptz;
  v_own ledger_line[];
  v_kept_counts integer[];
  v_new bigint;
  v_first integer;
  v_first_expected integer;
  v_reason text;
  v_facts text;
  -- The operation at hand.
  v_kind text;
  v_no smallint;
  v_player uuid;
  v_receiver uuid;
  v_at integer;
  v_to integer;
  v_amount bigint;
  v_currency text;
  v_left bigint;
  v_more ledger_line[];
  v_line ledger_line;
begin
  perform pg_advisory_xact_lock(k.key)
  from (select hashtextextended(id::text, 0) as key from unnest(p_transaction_ids) id order by 1) k;

  select array_agg(case
    when r.transaction_id is null then null
    when r.content_hash = t.hash then json_build_object('answer', r.answer, 'replayed', true)
    else json_build_object('reason', 'TRANSACTION_ID_REUSED', 'facts', json_build_object('transaction_id', t.id))
    end order by t.no), count(r.transaction_id) > 0
  into v_outcomes, replayed
  from unnest(p_transaction_ids, p_content_hashes) with ordinality t(id, hash, no)
    left join transaction_requests r on r.transaction_id = t.id;

  select array_agg(l.player_id), array_agg(l.version), array_agg(l.item_count), array_agg(null::timestamptz),
    array_agg(false)
  into v_players, v_versions, v_counts, v_times, v_moved
  from (
    select p.player_id, p.version, p.item_count from players p where p.player_id = any (p_players || p_receivers)
    order by p.player_id for no key update
  ) l;

  for t in 1 .. cardinality(p_transaction_ids) loop
    continue when v_outcomes[t] is not null;
    v_id := p_transaction_ids[t];
    v_first := coalesce(p_operation_ends[t - 1], 0) + 1;
    v_first_expected := coalesce(p_expected_ends[t - 1], 0) + 1;
    -- After the locks, so that each player's ledger is in the order of its versions.
    v_now := clock_timestamp();
    v_own := '{}';
    v_kept_counts := v_counts;
    v_new := 0;
    begin
      for i in v_first_expected .. p_expected_ends[t] loop
        v_at := array_position(v_players, p_expected_players[i]);
        if v_at is null then
          perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_expected_players[i]));
        elsif v_versions[v_at] <> p_expected_versions[i] then
          perform refuse('VERSION_MISMATCH', json_build_object('player_id', p_expected_players[i],
            'expected_version', p_expected_versions[i]::text, 'version', v_versions[v_at]::text));
        end if;
      end loop;

      for i in v_first .. p_operation_ends[t] loop
        v_kind := p_kinds[i];
        v_no := i - v_first;
        v_amount := p_amounts[i];
        v_player := p_players[i];
        v_receiver := coalesce(p_receivers[i], v_player);
        v_at := array_position(v_players, v_player);
        v_to := array_position(v_players, v_receiver);
        if v_at is null or v_to is null then
          perform refuse('PLAYER_NOT_FOUND', json_build_object(
            'player_id', case when v_at is null then v_player else v_receiver end, 'operation_index', v_no::text));
        end if;

        v_more := '{}';
        if v_kind in ('debit', 'transfer_currency') then
          v_currency := p_currencies[i];
          update balances b set amount = b.amount - v_amount
          where b.player_id = v_player and b.currency = v_currency and b.amount >= v_amount
          returning b.amount into v_left;
          if not found then
            perform refuse('INSUFFICIENT_BALANCE', json_build_object('player_id', v_player, 'currency', v_currency,
              'operation_index', v_no::text));
          end if;
          v_more := array[row(null, null, null, v_no, v_player, null, v_currency, -v_amount, null, null, null, v_left,
            null, null, null, null)::ledger_line];
        end if;
        if v_kind in ('credit', 'transfer_currency') then
          v_currency := p_currencies[i];
          update balances b set amount = b.amount + v_amount
          where b.player_id = v_receiver and b.currency = v_currency and b.amount <= c_most - v_amount
          returning b.amount into v_left;
          if not found then
            insert into balances as b (player_id, currency, amount) values (v_receiver, v_currency, v_amount)
            on conflict do nothing returning b.amount into v_left;
            if not found then
              perform refuse('BALANCE_LIMIT', json_build_object('player_id', v_receiver, 'currency', v_currency,
                'operation_index', v_no::text));
            end if;
          end if;
          v_more := v_more || row(null, null, null, v_no, v_receiver, null, v_currency, v_amount, null, null, null,
            v_left, null, null, null, null)::ledger_line;
        elsif v_kind = 'grant_item' then
          v_more := grant_items(v_no, v_player, p_item_ids[i], v_amount, p_location_ids[i], v_now,
            p_inventory_limit - v_counts[v_at], (p_touch_limit - v_new)::integer, p_inventory_limit, p_touch_limit);
          v_counts[v_at] := v_counts[v_at] + cardinality(v_more);
          v_new := v_new + cardinality(v_more);
        elsif v_kind = 'consume_item' then
          v_more := consume_items(v_no, v_player, p_item_ids[i], p_game_item_ids[i], v_amount);
          foreach v_line in array v_more loop
            if v_line.left_over = 0 then
              v_counts[v_at] := v_counts[v_at] - 1;
            end if;
          end loop;
        elsif v_kind = 'transfer_item' then
          v_more := transfer_item(v_no, v_player, v_receiver, p_game_item_ids[i], v_amount, v_now);
          if v_more[1].left_over = 0 then
            v_counts[v_at] := v_counts[v_at] - 1;
          else
            v_new := v_new + 1;
          end if;
          if v_counts[v_to] >= p_inventory_limit then
            perform refuse('INVENTORY_FULL', json_build_object('player_id', v_receiver,
              'limit', p_inventory_limit::text, 'operation_index', v_no::text));
          end if;
          v_counts[v_to] := v_counts[v_to] + 1;
        elsif v_kind <> 'debit' then
          raise exception 'unknown kind of operation: %', v_kind;
        end if;

        foreach v_line in array v_more loop
          v_line.transaction_id := v_id;
          v_line.at := v_now;
          v_line.entry_no := cardinality(v_own) + 1;
          v_line.player_version := v_versions[array_position(v_players, v_line.player_id)] + 1;
          v_own := v_own || v_line;
        end loop;
      end loop;

      if cardinality(v_own) > p_touch_limit
        and (select count(distinct l.game_item_id) from unnest(v_own) l) > p_touch_limit then
        perform refuse('TOO_MANY_ITEMS', json_build_object('limit', p_touch_limit::text));
      end if;
    exception when sqlstate 'RK001' then
      get stacked diagnostics v_reason = message_text, v_facts = pg_exception_detail;
      v_outcomes[t] := json_build_object('reason', v_reason, 'facts', v_facts::json);
      v_counts := v_kept_counts;
      continue;
    end;

    foreach v_line in array v_own loop
      v_at := array_position(v_players, v_line.player_id);
      v_versions[v_at] := v_line.player_version;
      v_times[v_at] := v_now;
      v_moved[v_at] := v_moved[v_at] or v_line.game_item_id is not null;
    end loop;
    v_lines := v_lines || v_own;
  end loop;

  if true = any (v_moved) then
    v_xid := pg_current_xact_id()::text::bigint;
    -- The last line about a thing says who has it, and how much of it is left.
    with written as (
      insert into outbox as o (xid, event)
      select v_xid, json_build_object('gameItem', json_build_object('gameItemId', t.game_item_id, 'itemId', t.item_id,
        'ownerId', t.player_id, 'quantity', t.left_over::text, 'version', t.version::text,
        'grantedLocationId', t.granted_location_id, 'createTime', t.created_at))
      from (
        select distinct on (l.game_item_id) l.* from unnest(v_lines) l
        where l.game_item_id is not null order by l.game_item_id, l.version desc, l.entry_no desc
      ) t
      returning o.id
    )
    select max(w.id) into v_outbox_id from written w;
  end if;

  insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount,
    item_id, game_item_id, quantity)
  select l.player_id, l.at, l.transaction_id, l.entry_no, l.operation_index, l.currency, l.amount, l.item_id,
    l.game_item_id, l.quantity
  from unnest(v_lines) l;

  update players p set version = k.version, item_count = k.item_count, updated_at = k.at,
    -- An older transaction may come to the row after a younger one: the position only grows.
    outbox_xid = case when k.moved then greatest(p.outbox_xid, v_xid) else p.outbox_xid end,
    outbox_id = case when k.moved and (v_xid, v_outbox_id) > (p.outbox_xid, p.outbox_id) then v_outbox_id
      else p.outbox_id end
  from unnest(v_players, v_versions, v_counts, v_times, v_moved) k(player_id, version, item_count, at, moved)
  where p.player_id = k.player_id and k.at is not null;

  with made as (
    select l.transaction_id, l.at, array_agg(distinct l.player_id) as player_ids,
      json_build_object('created', micros(l.at), 'lines', json_agg(case
        when l.currency is not null then json_build_array(l.operation_index, l.player_id, l.player_version::text,
          l.currency, l.amount::text, l.left_over::text)
        else json_build_array(l.operation_index, l.player_id, l.player_version::text, null, null, null,
          l.item_id, l.game_item_id, l.quantity::text, l.left_over::text, l.version::text, l.kind, micros(l.created_at))
        end order by l.entry_no)) as answer
    from unnest(v_lines) l group by l.transaction_id, l.at
  ), appended as (
    insert into transactions (transaction_id, created_at, player_ids) select m.transaction_id, m.at, m.player_ids from made m
  ), stored as (
    insert into transaction_requests (transaction_id, content_hash, answer, created_at)
    select m.transaction_id, p_content_hashes[array_position(p_transaction_ids, m.transaction_id)], m.answer, m.at
    from made m
  )
  select json_agg(coalesce(v_outcomes[t.no], json_build_object('answer', m.answer)) order by t.no)
  into outcomes
  from unnest(p_transaction_ids) with ordinality t(id, no) left join made m on m.transaction_id = t.id;

  select json_agg(s) into states from player_states(v_players) s;
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

CREATE OR REPLACE FUNCTION consume_items(p_operation smallint, p_player uuid, p_item_id text, p_game_item_id uuid, p_amount bigint)
 RETURNS ledger_line[]
 LANGUAGE plpgsql
AS $function$
declare
  v_lines ledger_line[];
  v_open bigint;
begin
  with held as (
    select g.*, (sum(g.quantity) over (order by g.game_item_id) - g.quantity) as before
    from game_items g
    where g.owner_id = p_player
      and g.game_item_id >= coalesce(p_game_item_id, '00000000-0000-0000-0000-000000000000')
      and g.game_item_id <= coalesce(p_game_item_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and (p_game_item_id is not null or g.item_id = p_item_id)
  ), taken as (
    select h.*, least(h.quantity, p_amount - h.before)::bigint as taken from held h where h.before < p_amount
  ), gone as (
    delete from game_items g using taken t where g.game_item_id = t.game_item_id and t.taken = t.quantity
  ), less as (
    update game_items g set quantity = g.quantity - t.taken, version = g.version + 1
    from taken t where g.game_item_id = t.game_item_id and t.taken < t.quantity
  )
  select array_agg(row(null, null, null, p_operation, p_player, null, null, null, t.item_id, t.game_item_id, -t.taken,
      t.quantity - t.taken, t.version + 1, (select c.kind from items c where c.item_id = t.item_id),
      t.granted_location_id, t.created_at)::ledger_line order by t.game_item_id),
    p_amount - coalesce(sum(t.taken), 0)
  into v_lines, v_open from taken t;
  if v_open > 0 then
    perform refuse('ITEM_NOT_FOUND', json_build_object('item_id', p_item_id, 'operation_index', p_operation::text))
    where p_game_item_id is null and not exists (select from items c where c.item_id = p_item_id);
    perform refuse('INSUFFICIENT_ITEMS', json_strip_nulls(json_build_object('player_id', p_player,
      'game_item_id', p_game_item_id, 'item_id', p_item_id, 'operation_index', p_operation::text)));
  end if;
  return v_lines;
end
$function$
;

CREATE OR REPLACE FUNCTION create_player(p_player_id uuid, p_display_name text, OUT display_name text, OUT created_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  v_xid bigint := pg_current_xact_id()::text::bigint;
  v_now timestamptz := clock_timestamp();
  v_outbox_id bigint;
begin
  insert into players as p (player_id, display_name, outbox_xid, outbox_id, created_at, updated_at)
  values (p_player_id, p_display_name, v_xid, 0, v_now, v_now)
  on conflict (player_id) do nothing;
  if found then
    insert into outbox (xid, event) values (v_xid, json_build_object('player', json_build_object(
      'playerId', p_player_id, 'displayName', p_display_name, 'version', '1')))
    returning id into v_outbox_id;
    update players p set outbox_id = v_outbox_id where p.player_id = p_player_id;
  end if;
  select coalesce(p.first_name, p.display_name), p.created_at into create_player.display_name, create_player.created_at
  from players p where p.player_id = p_player_id;
end
$function$
;

CREATE OR REPLACE FUNCTION end_session(p_session_id uuid, p_owner text)
 RETURNS sessions
 LANGUAGE plpgsql
AS $function$
declare
  v_session sessions;
begin
  select s.* into v_session from sessions s where s.session_id = p_session_id;
  if not found or v_session.player_id::text <> p_owner then
    perform refuse('SESSION_NOT_FOUND', json_build_object('session_id', p_session_id));
  end if;
  perform lock_sessions_of(v_session.player_id);
  select s.* into v_session from sessions s where s.session_id = p_session_id for no key update;
  if v_session.ended_at is null then
    v_session := finish_session(p_session_id, least(v_session.lease_until, clock_timestamp()));
  end if;
  return v_session;
end
$function$
;

CREATE OR REPLACE FUNCTION ensure_ledger_partitions()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  v_parent text;
  v_child text;
  v_month timestamptz;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ensure_ledger_partitions', 0));
  foreach v_parent in array array['transactions', 'transaction_entries'] loop
    for v_month in
      select date_trunc('month', now(), 'UTC') + make_interval(months => n) from generate_series(0, 2) as n
    loop
      v_child := v_parent || '_' || to_char(v_month at time zone 'UTC', 'YYYY_MM');
      continue when to_regclass('public.' || v_child) is not null;
      execute format('create table %I (like %I including defaults including constraints)', v_child, v_parent);
      execute format('alter table %I attach partition %I for values from (%L) to (%L)', v_parent, v_child, v_month,
        date_trunc('month', v_month + interval '32 days', 'UTC'));
      -- Rows are reached through the parent alone, whose privileges make the ledger append-only.
      perform runtime_may('', format('table %I', v_child));
      v_made := v_made + 1;
    end loop;
  end loop;
  return v_made;
end
$function$
;

CREATE OR REPLACE FUNCTION entry_json(e transaction_entries)
 RETURNS json
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select json_build_array(e.operation_index, e.player_id, e.currency, e.amount::text, e.item_id, e.game_item_id,
    e.quantity::text)
$function$
;

CREATE OR REPLACE FUNCTION finish_session(p_session_id uuid, p_at timestamp with time zone)
 RETURNS sessions
 LANGUAGE plpgsql
AS $function$
declare
  v_session sessions;
begin
  update sessions s
  set ended_at = greatest(p_at, s.last_seen_at, s.started_at + interval '1 microsecond')
  where s.session_id = p_session_id
  returning s.* into v_session;
  insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
  values (v_session.player_id, v_session.area_code, v_session.multiplayer_mode, 'LOGOUT', v_session.ended_at);
  return v_session;
end
$function$
;

CREATE OR REPLACE FUNCTION grant_items(p_operation smallint, p_player uuid, p_item_id text, p_amount bigint, p_location_id uuid, p_at timestamp with time zone, p_room integer, p_touch_room integer, p_inventory_limit integer, p_touch_limit integer)
 RETURNS ledger_line[]
 LANGUAGE plpgsql
AS $function$
declare
  v_item items;
  v_stacks bigint;
  v_lines ledger_line[];
begin
  select * into v_item from items c where c.item_id = p_item_id;
  if not found then
    perform refuse('ITEM_NOT_FOUND', json_build_object('item_id', p_item_id, 'operation_index', p_operation::text));
  end if;
  v_stacks := (p_amount - 1) / v_item.max_stack + 1;
  if v_stacks > p_touch_room then
    perform refuse('TOO_MANY_ITEMS', json_build_object('limit', p_touch_limit::text));
  elsif v_stacks > p_room then
    perform refuse('INVENTORY_FULL', json_build_object('player_id', p_player, 'limit', p_inventory_limit::text,
      'operation_index', p_operation::text));
  end if;
  with made as (
    insert into game_items as g (owner_id, item_id, quantity, granted_location_id, created_at)
    select p_player, v_item.item_id, least(v_item.max_stack, p_amount - (k - 1) * v_item.max_stack), p_location_id, p_at
    from generate_series(1, v_stacks) k
    returning g.game_item_id, g.quantity
  )
  select array_agg(row(null, null, null, p_operation, p_player, null, null, null, v_item.item_id, m.game_item_id,
    m.quantity, m.quantity, 1, v_item.kind, p_location_id, p_at)::ledger_line order by m.game_item_id)
  into v_lines from made m;
  return v_lines;
end
$function$
;

CREATE OR REPLACE FUNCTION ledger_page(p_player_id uuid, p_before bigint, p_before_id uuid, p_limit integer)
 RETURNS TABLE(transaction_id uuid, created bigint, entries json)
 LANGUAGE sql
 STABLE
 SET enable_sort TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
  with recursive page as (
    (
      select e.created_at, e.transaction_id, 1 as place from transaction_entries e
      where e.player_id = p_player_id
        and (e.created_at, e.transaction_id) < (
          coalesce(timestamptz 'epoch' + p_before * interval '1 microsecond', 'infinity'),
          coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        and e.created_at <= coalesce(timestamptz 'epoch' + p_before * interval '1 microsecond', 'infinity')
      order by e.created_at desc, e.transaction_id desc limit 1
    )
    union all
    select n.created_at, n.transaction_id, p.place + 1
    from page p cross join lateral (
      select e.created_at, e.transaction_id from transaction_entries e
      where e.player_id = p_player_id and (e.created_at, e.transaction_id) < (p.created_at, p.transaction_id)
        and e.created_at <= p.created_at
      order by e.created_at desc, e.transaction_id desc limit 1
    ) n
    where p.place < p_limit
  )
  select p.transaction_id, micros(p.created_at), (
      select json_agg(entry_json(e) order by e.entry_no) from transaction_entries e
      where e.player_id = p_player_id and e.created_at = p.created_at and e.transaction_id = p.transaction_id
    )
  from page p
  order by p.created_at desc, p.transaction_id desc
$function$
;

CREATE OR REPLACE FUNCTION ledger_transaction(p_transaction_id uuid)
 RETURNS TABLE(created bigint, player_ids uuid[], entries json)
 LANGUAGE sql
 STABLE
 SET enable_seqscan TO 'off'
AS $function$
  with asked as materialized (
    select r.created_at from transaction_requests r where r.transaction_id = p_transaction_id
  ), found as (
    select t.* from transactions t
    where t.transaction_id = p_transaction_id and t.created_at = (select a.created_at from asked a)
    union all
    select t.* from transactions t
    where t.transaction_id = p_transaction_id and not exists (select from asked)
  )
  select micros(f.created_at), f.player_ids, (
      select json_agg(entry_json(e) order by e.entry_no) from transaction_entries e
      where e.player_id = any (f.player_ids) and e.created_at = f.created_at and e.transaction_id = f.transaction_id
    )
  from found f
$function$
;

CREATE OR REPLACE FUNCTION lock_sessions_of(p_player_id uuid)
 RETURNS void
 LANGUAGE sql
AS $function$
  select pg_advisory_xact_lock(5350051, hashtext(p_player_id::text))
$function$
;

CREATE OR REPLACE FUNCTION micros(p_at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select (extract(epoch from p_at) * 1000000)::bigint
$function$
;

CREATE OR REPLACE FUNCTION player_states(p_player_ids uuid[])
 RETURNS TABLE(player_id uuid, display_name text, version bigint, outbox_xid bigint, outbox_id bigint, created bigint, updated bigint, balances json, items json, as_of timestamp with time zone)
 LANGUAGE sql
 STABLE
AS $function$
  select p.player_id, p.display_name, p.version, p.outbox_xid, p.outbox_id, micros(p.created_at), micros(p.updated_at),
    (
      select json_agg(json_build_array(b.currency, b.amount::text) order by b.currency)
      from balances b where b.player_id = p.player_id
    ),
    (
      select json_agg(json_build_array(g.game_item_id, g.item_id, c.kind, g.quantity::text, g.version::text,
        micros(g.created_at)) order by g.game_item_id)
      from game_items g join items c on c.item_id = g.item_id where g.owner_id = p.player_id
    ),
    as_of()
  from players p
  where p.player_id = any (p_player_ids)
$function$
;

CREATE OR REPLACE FUNCTION refuse(p_reason text, p_facts json)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'RK001', message = p_reason, detail = p_facts::text;
end
$function$
;

CREATE OR REPLACE FUNCTION renew_sessions(p_session_ids uuid[], p_ages_ms double precision[], p_lease interval)
 RETURNS TABLE(session_id uuid)
 LANGUAGE sql
 SET enable_seqscan TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  with heard as materialized (
    select h.session_id, max(now() - h.age_ms * interval '1 millisecond') as at
    from unnest(p_session_ids, p_ages_ms) as h (session_id, age_ms) group by h.session_id
  ), locked as materialized (
    select s.session_id, h.at from sessions s join heard h on h.session_id = s.session_id
    where s.session_id = any (p_session_ids) and s.ended_at is null
    order by s.session_id for no key update of s
  )
  update sessions s
  set last_seen_at = greatest(s.last_seen_at, l.at), lease_until = greatest(s.lease_until, l.at + p_lease)
  from locked l
  where s.session_id = l.session_id
  returning s.session_id
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

CREATE OR REPLACE FUNCTION search_items(p_query text, p_limit integer)
 RETURNS TABLE(item_id text, name text, kind text, max_stack bigint, version bigint, created_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET "pg_trgm.word_similarity_threshold" TO '0.35'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION start_session(p_session_id uuid, p_player_id uuid, p_area_code text, p_multiplayer_mode text, p_lease interval, OUT session sessions, OUT ended_session_id uuid)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  v_last sessions;
  v_now timestamptz;
begin
  perform from players p where p.player_id = p_player_id;
  if not found then
    perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_player_id));
  end if;
  perform lock_sessions_of(p_player_id);

  select s.* into session from sessions s where s.session_id = p_session_id;
  if found then
    if (session.player_id, session.area_code, session.multiplayer_mode)
      is distinct from (p_player_id, p_area_code, p_multiplayer_mode) then
      perform refuse('SESSION_ID_REUSED', json_build_object('session_id', p_session_id));
    end if;
    return;
  end if;

  select s.* into v_last from sessions s where s.player_id = p_player_id
  order by s.started_at desc limit 1 for no key update;
  -- After the locks. Strictly later than whatever is known of the player, also when the clock was set back.
  v_now := greatest(clock_timestamp(),
    greatest(v_last.started_at, v_last.last_seen_at, v_last.ended_at) + interval '1 microsecond');
  if v_last.session_id is not null and v_last.ended_at is null then
    v_last := finish_session(v_last.session_id, least(v_last.lease_until, v_now));
    ended_session_id := v_last.session_id;
    v_now := v_now + interval '1 microsecond';
  end if;

  insert into sessions as s
    (session_id, player_id, area_code, multiplayer_mode, started_at, last_seen_at, lease_until)
  values (p_session_id, p_player_id, p_area_code, p_multiplayer_mode, v_now, v_now, v_now + p_lease)
  on conflict (session_id) do nothing
  returning s.* into session;
  if not found then
    -- Another player's start took the id meanwhile.
    perform refuse('SESSION_ID_REUSED', json_build_object('session_id', p_session_id));
  end if;
  insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
  values (p_player_id, p_area_code, p_multiplayer_mode, 'LOGIN', v_now);
end
$function$
;

CREATE OR REPLACE FUNCTION sweep_sessions(p_limit integer)
 RETURNS TABLE(session_id uuid)
 LANGUAGE sql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
  with due as materialized (
    select s.session_id from sessions s where s.ended_at is null and s.lease_until < now()
    order by s.lease_until limit p_limit for no key update skip locked
  ), ended as (
    update sessions s set ended_at = s.lease_until from due d where s.session_id = d.session_id
    returning s.*
  ), told as (
    insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
    select e.player_id, e.area_code, e.multiplayer_mode, 'LOGOUT', e.ended_at from ended e order by e.ended_at
  )
  select e.session_id from ended e
$function$
;

CREATE OR REPLACE FUNCTION transfer_item(p_operation smallint, p_player uuid, p_receiver uuid, p_game_item_id uuid, p_amount bigint, p_at timestamp with time zone)
 RETURNS ledger_line[]
 LANGUAGE plpgsql
AS $function$
declare
  v_given ledger_line;
  v_got ledger_line;
begin
  update game_items g set version = g.version + 1,
    owner_id = case when g.quantity = p_amount then p_receiver else g.owner_id end,
    quantity = case when g.quantity = p_amount then g.quantity else g.quantity - p_amount end
  where g.game_item_id = p_game_item_id and g.owner_id = p_player and g.quantity >= p_amount
  returning null, null, null, p_operation, p_player, null, null, null, g.item_id, g.game_item_id, -p_amount,
    case when g.owner_id = p_player then g.quantity else 0 end, g.version,
    (select c.kind from items c where c.item_id = g.item_id), g.granted_location_id, g.created_at
  into v_given;
  if not found then
    perform refuse('INSUFFICIENT_ITEMS', json_build_object('player_id', p_player, 'game_item_id', p_game_item_id,
      'operation_index', p_operation::text));
  end if;
  v_got := v_given;
  if v_given.left_over > 0 then
    insert into game_items as g (owner_id, item_id, quantity, created_at)
    values (p_receiver, v_given.item_id, p_amount, p_at)
    returning g.game_item_id, 1, null, p_at
    into v_got.game_item_id, v_got.version, v_got.granted_location_id, v_got.created_at;
  end if;
  v_got.player_id := p_receiver;
  v_got.quantity := p_amount;
  v_got.left_over := p_amount;
  return array[v_given, v_got];
end
$function$
;

CREATE OR REPLACE FUNCTION trim_outbox(p_age interval, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  v_trimmed integer;
begin
  perform from outbox_trim for update skip locked;
  if not found then
    return 0;
  end if;
  with oldest as (
    select o.xid, o.id, o.created_at from outbox o order by o.xid, o.id limit p_limit
  ), gone as (
    delete from outbox o using oldest d
    where o.xid = d.xid and o.id = d.id and d.created_at < now() - p_age
    returning o.xid, o.id
  ), moved as (
    update outbox_trim t set xid = g.xid, id = g.id
    from (select xid, id from gone order by xid desc, id desc limit 1) g
  )
  select count(*) into v_trimmed from gone;
  return v_trimmed;
end
$function$
;

CREATE OR REPLACE FUNCTION trim_sessions(p_age interval, p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  v_trimmed integer;
begin
  delete from parked_session_events e where e.parked_at < now() - p_age;
  delete from sessions s using (
    select o.session_id from sessions o
    where o.ended_at < now() - p_age
      and exists (select from sessions l where l.player_id = o.player_id and l.started_at > o.started_at)
    limit p_limit for update skip locked
  ) old
  where s.session_id = old.session_id;
  get diagnostics v_trimmed = row_count;
  return v_trimmed;
end
$function$
;

CREATE OR REPLACE FUNCTION update_player(p_player_id uuid, p_display_name text, p_expected_version bigint, OUT version bigint, OUT created_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  v_player players;
  v_xid bigint;
  v_outbox_id bigint;
begin
  select * into v_player from players p where p.player_id = p_player_id for no key update;
  if not found then
    perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_player_id));
  end if;
  version := v_player.version;
  created_at := v_player.created_at;
  if v_player.display_name = p_display_name then
    return;
  elsif p_expected_version not in (0, version) then
    perform refuse('VERSION_MISMATCH', json_build_object('player_id', p_player_id,
      'expected_version', p_expected_version::text, 'version', version::text));
  end if;

  v_xid := pg_current_xact_id()::text::bigint;
  insert into outbox (xid, event) values (v_xid, json_build_object('player', json_build_object(
    'playerId', p_player_id, 'displayName', p_display_name, 'version', (v_player.name_version + 1)::text)))
  returning id into v_outbox_id;
  version := version + 1;
  update players p set display_name = p_display_name, first_name = coalesce(p.first_name, p.display_name),
    version = update_player.version, name_version = p.name_version + 1,
    -- As in apply_transactions: the position only grows.
    outbox_xid = greatest(p.outbox_xid, v_xid),
    outbox_id = case when (v_xid, v_outbox_id) > (p.outbox_xid, p.outbox_id) then v_outbox_id else p.outbox_id end,
    updated_at = clock_timestamp()
  where p.player_id = p_player_id;
end
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

grant execute on function apply_transactions(p_transaction_ids uuid[], p_content_hashes bytea[], p_operation_ends integer[], p_expected_ends integer[], p_kinds text[], p_players uuid[], p_receivers uuid[], p_currencies text[], p_item_ids text[], p_game_item_ids uuid[], p_amounts bigint[], p_location_ids uuid[], p_expected_players uuid[], p_expected_versions bigint[], p_inventory_limit integer, p_touch_limit integer, OUT outcomes json, OUT states json, OUT replayed boolean) to public;
grant execute on function apply_transactions(p_transaction_ids uuid[], p_content_hashes bytea[], p_operation_ends integer[], p_expected_ends integer[], p_kinds text[], p_players uuid[], p_receivers uuid[], p_currencies text[], p_item_ids text[], p_game_item_ids uuid[], p_amounts bigint[], p_location_ids uuid[], p_expected_players uuid[], p_expected_versions bigint[], p_inventory_limit integer, p_touch_limit integer, OUT outcomes json, OUT states json, OUT replayed boolean) to runtime;
grant execute on function as_of() to public;
grant execute on function as_of() to runtime;
grant execute on function consume_items(p_operation smallint, p_player uuid, p_item_id text, p_game_item_id uuid, p_amount bigint) to public;
grant execute on function consume_items(p_operation smallint, p_player uuid, p_item_id text, p_game_item_id uuid, p_amount bigint) to runtime;
grant execute on function create_player(p_player_id uuid, p_display_name text, OUT display_name text, OUT created_at timestamp with time zone) to public;
grant execute on function create_player(p_player_id uuid, p_display_name text, OUT display_name text, OUT created_at timestamp with time zone) to runtime;
grant execute on function end_session(p_session_id uuid, p_owner text) to public;
grant execute on function end_session(p_session_id uuid, p_owner text) to runtime;
grant execute on function ensure_ledger_partitions() to runtime;
grant execute on function entry_json(e transaction_entries) to public;
grant execute on function entry_json(e transaction_entries) to runtime;
grant execute on function finish_session(p_session_id uuid, p_at timestamp with time zone) to public;
grant execute on function finish_session(p_session_id uuid, p_at timestamp with time zone) to runtime;
grant execute on function grant_items(p_operation smallint, p_player uuid, p_item_id text, p_amount bigint, p_location_id uuid, p_at timestamp with time zone, p_room integer, p_touch_room integer, p_inventory_limit integer, p_touch_limit integer) to public;
grant execute on function grant_items(p_operation smallint, p_player uuid, p_item_id text, p_amount bigint, p_location_id uuid, p_at timestamp with time zone, p_room integer, p_touch_room integer, p_inventory_limit integer, p_touch_limit integer) to runtime;
grant execute on function ledger_page(p_player_id uuid, p_before bigint, p_before_id uuid, p_limit integer) to public;
grant execute on function ledger_page(p_player_id uuid, p_before bigint, p_before_id uuid, p_limit integer) to runtime;
grant execute on function ledger_transaction(p_transaction_id uuid) to public;
grant execute on function ledger_transaction(p_transaction_id uuid) to runtime;
grant execute on function lock_sessions_of(p_player_id uuid) to public;
grant execute on function lock_sessions_of(p_player_id uuid) to runtime;
grant execute on function micros(p_at timestamp with time zone) to public;
grant execute on function micros(p_at timestamp with time zone) to runtime;
grant execute on function player_states(p_player_ids uuid[]) to public;
grant execute on function player_states(p_player_ids uuid[]) to runtime;
grant execute on function refuse(p_reason text, p_facts json) to public;
grant execute on function refuse(p_reason text, p_facts json) to runtime;
grant execute on function renew_sessions(p_session_ids uuid[], p_ages_ms double precision[], p_lease interval) to public;
grant execute on function renew_sessions(p_session_ids uuid[], p_ages_ms double precision[], p_lease interval) to runtime;
grant execute on function search_items(p_query text, p_limit integer) to public;
grant execute on function search_items(p_query text, p_limit integer) to runtime;
grant execute on function start_session(p_session_id uuid, p_player_id uuid, p_area_code text, p_multiplayer_mode text, p_lease interval, OUT session sessions, OUT ended_session_id uuid) to public;
grant execute on function start_session(p_session_id uuid, p_player_id uuid, p_area_code text, p_multiplayer_mode text, p_lease interval, OUT session sessions, OUT ended_session_id uuid) to runtime;
grant execute on function sweep_sessions(p_limit integer) to public;
grant execute on function sweep_sessions(p_limit integer) to runtime;
grant execute on function transfer_item(p_operation smallint, p_player uuid, p_receiver uuid, p_game_item_id uuid, p_amount bigint, p_at timestamp with time zone) to public;
grant execute on function transfer_item(p_operation smallint, p_player uuid, p_receiver uuid, p_game_item_id uuid, p_amount bigint, p_at timestamp with time zone) to runtime;
grant execute on function trim_outbox(p_age interval, p_limit integer) to public;
grant execute on function trim_outbox(p_age interval, p_limit integer) to runtime;
grant execute on function trim_sessions(p_age interval, p_limit integer) to public;
grant execute on function trim_sessions(p_age interval, p_limit integer) to runtime;
grant execute on function update_player(p_player_id uuid, p_display_name text, p_expected_version bigint, OUT version bigint, OUT created_at timestamp with time zone) to public;
grant execute on function update_player(p_player_id uuid, p_display_name text, p_expected_version bigint, OUT version bigint, OUT created_at timestamp with time zone) to runtime;
grant execute on function wal_position() to public;
grant execute on function wal_position() to runtime;
grant usage on sequence outbox_id_seq to runtime;
grant usage on sequence session_events_id_seq to runtime;
grant insert, select, update on table balances to runtime;
grant delete, insert, select, update on table game_items to runtime;
grant select, update on table heartbeat to runtime;
grant insert, select, update on table items to runtime;
grant select on table ledger to runtime;
grant delete, insert, select on table outbox to runtime;
grant select, update on table outbox_trim to runtime;
grant delete, insert, select on table parked_session_events to runtime;
grant select on table player_inventory to runtime;
grant insert, select, update on table players to runtime;
grant select on table schema_migrations to runtime;
grant delete, insert, select on table session_events to runtime;
grant delete, insert, select, update on table sessions to runtime;
grant insert, select on table transaction_entries to runtime;
grant delete, insert, select, update on table transaction_requests to runtime;
grant insert, select on table transactions to runtime;
