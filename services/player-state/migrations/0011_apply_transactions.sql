-- Applies transactions one after the other, each all or nothing, in one commit. The i-th elements of the first four
-- arrays are transaction i: its id, the hash of its content, and where its operations and its expected versions end in
-- the arrays below; they begin after those of the transaction before. An operation is made of elements side by side: its
-- kind as in the proto, the player, the receiver of a transfer, and what the kind needs; the rest is null. No id is twice
-- among the ids.
--
-- outcomes has an object for each transaction, in their order: the answer, as it is stored; whether it is replayed, being
-- that of an earlier call with the same id and hash; or the reason and the facts of a refusal, which leaves nothing
-- behind, the id included. An answer is {created, lines}, with a line [operation_index, player_id, version, currency,
-- amount, left, item_id, game_item_id, quantity, left, item version, kind, created] for each change in order, without
-- what comes after the first six where it is about a currency; 64-bit amounts and versions as text, times in microseconds.
-- states are those of all the players named, as the commit leaves them: rows of player_states.
--
-- Order of locks: the ids, then the players' rows by id; whoever holds a player's row may write its balances and game
-- items. The lock of an id makes a second call with it wait for the first one's end, and then find its answer.
create function apply_transactions(
  p_transaction_ids uuid[], p_content_hashes bytea[], p_operation_ends integer[], p_expected_ends integer[],
  p_kinds text[], p_players uuid[], p_receivers uuid[], p_currencies text[], p_item_ids text[], p_game_item_ids uuid[],
  p_amounts bigint[], p_location_ids uuid[],
  p_expected_players uuid[], p_expected_versions bigint[],
  -- The most game items that a player may hold, and that a transaction may touch.
  p_inventory_limit integer, p_touch_limit integer,
  out outcomes json, out states json, out replayed boolean
)
language plpgsql
-- Every statement finds its rows by a key. A generic plan is never planned again for the sake of the partitions, and one
-- that was made while the tables were empty stays right when they have grown.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
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
$$;
