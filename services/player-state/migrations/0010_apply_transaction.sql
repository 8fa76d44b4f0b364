-- Refuses the running transaction: SQLSTATE RK001, the reason in the message, the facts as JSON in the detail.
create function refuse(p_reason text, p_facts json) returns void
language plpgsql
as $$
begin
  raise exception using errcode = 'RK001', message = p_reason, detail = p_facts::text;
end
$$;

-- Applies operations in order, all or nothing, and answers with an ApplyTransactionResponse in the protobuf JSON form,
-- which is also what is stored. Operation i is made of the i-th elements of the arrays: its kind as in the proto, the
-- player, the receiver of a transfer, and what the kind needs; the rest is null. Expected versions are pairs.
--
-- A request seen before with the same hash is answered as it was then; with another hash it is refused. Refusals
-- (see refuse) leave nothing behind, the request included. Order of locks: the request's row, then the players' rows by
-- id; whoever holds a player's row may write its balances and game items.
create function apply_transaction(
  p_transaction_id uuid, p_content_hash bytea,
  p_kinds text[], p_players uuid[], p_receivers uuid[], p_currencies text[], p_item_ids text[], p_game_item_ids uuid[],
  p_amounts bigint[], p_location_ids uuid[],
  p_expected_players uuid[], p_expected_versions bigint[],
  -- The most game items that a player may hold, and that a transaction may touch.
  p_inventory_limit integer, p_touch_limit integer,
  out answer json, out replayed boolean
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
  v_hash bytea;
  v_now timestamptz;
  -- Side by side: the players touched, by id; their versions; how many game items each holds.
  v_players uuid[];
  v_versions bigint[];
  v_counts integer[];
  v_lines ledger_line[] := '{}';
  v_more ledger_line[];
  v_line ledger_line;
  v_items boolean := false;
  v_new bigint := 0;
  v_xid bigint;
  v_outbox_id bigint;
  -- The operation at hand.
  v_kind text;
  v_no smallint;
  v_player uuid;
  v_receiver uuid;
  v_at integer;
  v_to integer;
  v_amount bigint;
  v_currency text;
  v_item items;
  v_game_item_id uuid;
  v_left bigint;
  v_stacks bigint;
begin
  insert into transaction_requests as r (transaction_id, content_hash) values (p_transaction_id, p_content_hash)
  on conflict (transaction_id) do nothing;
  if not found then
    select r.content_hash, r.answer into v_hash, answer
    from transaction_requests r where r.transaction_id = p_transaction_id;
    if not found then
      -- Trimmed between the two statements. The caller tries again and finds the id free.
      raise serialization_failure using message = 'the request was trimmed while it was read';
    elsif v_hash <> p_content_hash then
      perform refuse('TRANSACTION_ID_REUSED', json_build_object('transaction_id', p_transaction_id));
    end if;
    replayed := true;
    return;
  end if;
  replayed := false;

  select array_agg(l.player_id), array_agg(l.version), array_agg(l.item_count) into v_players, v_versions, v_counts
  from (
    select p.player_id, p.version, p.item_count from players p where p.player_id = any (p_players || p_receivers)
    order by p.player_id for no key update
  ) l;
  -- After the locks, so that each player's ledger is in the order of its versions.
  v_now := clock_timestamp();

  for i in 1 .. cardinality(p_expected_players) loop
    v_at := array_position(v_players, p_expected_players[i]);
    if v_at is null then
      perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_expected_players[i]));
    elsif v_versions[v_at] <> p_expected_versions[i] then
      perform refuse('VERSION_MISMATCH', json_build_object('player_id', p_expected_players[i],
        'expected_version', p_expected_versions[i]::text, 'version', v_versions[v_at]::text));
    end if;
  end loop;

  for i in 1 .. cardinality(p_kinds) loop
    v_kind := p_kinds[i];
    v_no := i - 1;
    v_amount := p_amounts[i];
    v_player := p_players[i];
    v_receiver := coalesce(p_receivers[i], v_player);
    v_at := array_position(v_players, v_player);
    v_to := array_position(v_players, v_receiver);
    if v_at is null or v_to is null then
      perform refuse('PLAYER_NOT_FOUND', json_build_object(
        'player_id', case when v_at is null then v_player else v_receiver end, 'operation_index', v_no::text));
    end if;

    if v_kind in ('credit', 'debit', 'transfer_currency') then
      v_currency := p_currencies[i];
      if v_kind <> 'credit' then
        update balances b set amount = b.amount - v_amount
        where b.player_id = v_player and b.currency = v_currency and b.amount >= v_amount
        returning b.amount into v_left;
        if not found then
          perform refuse('INSUFFICIENT_BALANCE', json_build_object('player_id', v_player, 'currency', v_currency,
            'operation_index', v_no::text));
        end if;
        v_lines := v_lines
          || row(v_no, v_player, v_currency, -v_amount, null, null, null, v_left, null, null, null, null)::ledger_line;
      end if;
      if v_kind <> 'debit' then
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
        v_lines := v_lines
          || row(v_no, v_receiver, v_currency, v_amount, null, null, null, v_left, null, null, null, null)::ledger_line;
      end if;
      continue;
    end if;

    v_items := true;
    if v_kind = 'grant_item' then
      select * into v_item from items c where c.item_id = p_item_ids[i];
      if not found then
        perform refuse('ITEM_NOT_FOUND', json_build_object('item_id', p_item_ids[i], 'operation_index', v_no::text));
      end if;
      v_stacks := (v_amount - 1) / v_item.max_stack + 1;
      if v_stacks > p_touch_limit - v_new then
        perform refuse('TOO_MANY_ITEMS', json_build_object('limit', p_touch_limit::text));
      elsif v_counts[v_at] + v_stacks > p_inventory_limit then
        perform refuse('INVENTORY_FULL', json_build_object('player_id', v_player, 'limit', p_inventory_limit::text,
          'operation_index', v_no::text));
      end if;
      with made as (
        insert into game_items as g (owner_id, item_id, quantity, granted_location_id, created_at)
        select v_player, v_item.item_id, least(v_item.max_stack, v_amount - (k - 1) * v_item.max_stack),
          p_location_ids[i], v_now
        from generate_series(1, v_stacks) k
        returning g.game_item_id, g.quantity
      )
      select array_agg(row(v_no, v_player, null, null, v_item.item_id, m.game_item_id, m.quantity,
        m.quantity, 1, v_item.kind, p_location_ids[i], v_now)::ledger_line order by m.game_item_id)
      into v_more from made m;
      v_lines := v_lines || v_more;
      v_counts[v_at] := v_counts[v_at] + v_stacks;
      v_new := v_new + v_stacks;

    elsif v_kind = 'consume_item' then
      -- From the named thing, or from the player's oldest ones of that item: each gives what those before it left open.
      v_game_item_id := p_game_item_ids[i];
      with held as (
        select g.*, (sum(g.quantity) over (order by g.game_item_id) - g.quantity) as before
        from game_items g
        where g.owner_id = v_player
          and g.game_item_id >= coalesce(v_game_item_id, '00000000-0000-0000-0000-000000000000')
          and g.game_item_id <= coalesce(v_game_item_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          and (v_game_item_id is not null or g.item_id = p_item_ids[i])
      ), taken as (
        select h.*, least(h.quantity, v_amount - h.before)::bigint as taken from held h where h.before < v_amount
      ), gone as (
        delete from game_items g using taken t where g.game_item_id = t.game_item_id and t.taken = t.quantity
      ), less as (
        update game_items g set quantity = g.quantity - t.taken, version = g.version + 1
        from taken t where g.game_item_id = t.game_item_id and t.taken < t.quantity
      )
      select array_agg(row(v_no, v_player, null, null, t.item_id, t.game_item_id, -t.taken, t.quantity - t.taken,
          t.version + 1, (select c.kind from items c where c.item_id = t.item_id), t.granted_location_id,
          t.created_at)::ledger_line order by t.game_item_id),
        count(*) filter (where t.taken = t.quantity), v_amount - coalesce(sum(t.taken), 0)
      into v_more, v_stacks, v_left from taken t;
      if v_left > 0 then
        perform refuse('ITEM_NOT_FOUND', json_build_object('item_id', p_item_ids[i], 'operation_index', v_no::text))
        where v_game_item_id is null and not exists (select from items c where c.item_id = p_item_ids[i]);
        perform refuse('INSUFFICIENT_ITEMS', json_strip_nulls(json_build_object('player_id', v_player,
          'game_item_id', v_game_item_id, 'item_id', p_item_ids[i], 'operation_index', v_no::text)));
      end if;
      v_lines := v_lines || v_more;
      v_counts[v_at] := v_counts[v_at] - v_stacks;

    elsif v_kind = 'transfer_item' then
      -- A whole stack changes hands. Of a part, the receiver gets a new one, which is nowhere yet.
      v_game_item_id := p_game_item_ids[i];
      update game_items g set version = g.version + 1,
        owner_id = case when g.quantity = v_amount then v_receiver else g.owner_id end,
        quantity = case when g.quantity = v_amount then g.quantity else g.quantity - v_amount end
      where g.game_item_id = v_game_item_id and g.owner_id = v_player and g.quantity >= v_amount
      returning v_no, v_player, null, null, g.item_id, g.game_item_id, -v_amount,
        case when g.owner_id = v_player then g.quantity else 0 end, g.version,
        (select c.kind from items c where c.item_id = g.item_id), g.granted_location_id, g.created_at
      into v_line;
      if not found then
        perform refuse('INSUFFICIENT_ITEMS', json_build_object('player_id', v_player,
          'game_item_id', v_game_item_id, 'operation_index', v_no::text));
      end if;
      v_lines := v_lines || v_line;
      if v_line.left_over = 0 then
        v_counts[v_at] := v_counts[v_at] - 1;
      else
        insert into game_items as g (owner_id, item_id, quantity, created_at)
        values (v_receiver, v_line.item_id, v_amount, v_now)
        returning g.game_item_id, 1, null, v_now
        into v_line.game_item_id, v_line.version, v_line.granted_location_id, v_line.created_at;
        v_new := v_new + 1;
      end if;
      v_line.player_id := v_receiver;
      v_line.quantity := v_amount;
      v_line.left_over := v_amount;
      v_lines := v_lines || v_line;
      if v_counts[v_to] >= p_inventory_limit then
        perform refuse('INVENTORY_FULL', json_build_object('player_id', v_receiver, 'limit', p_inventory_limit::text,
          'operation_index', v_no::text));
      end if;
      v_counts[v_to] := v_counts[v_to] + 1;

    else
      raise exception 'unknown kind of operation: %', v_kind;
    end if;
  end loop;

  if v_items then
    if cardinality(v_lines) > p_touch_limit
      and (select count(distinct l.game_item_id) from unnest(v_lines) l) > p_touch_limit then
      perform refuse('TOO_MANY_ITEMS', json_build_object('limit', p_touch_limit::text));
    end if;
    v_xid := pg_current_xact_id()::text::bigint;
    -- The last line about a thing says who has it, and how much of it is left.
    with written as (
      insert into outbox as o (xid, event)
      select v_xid, json_build_object('gameItem', json_build_object('gameItemId', t.game_item_id, 'itemId', t.item_id,
        'ownerId', t.player_id, 'quantity', t.left_over::text, 'version', t.version::text,
        'grantedLocationId', t.granted_location_id, 'createTime', t.created_at))
      from (
        select distinct on (l.game_item_id) l.* from unnest(v_lines) with ordinality as l(operation_index, player_id,
          currency, amount, item_id, game_item_id, quantity, left_over, version, kind, granted_location_id, created_at, no)
        where l.game_item_id is not null order by l.game_item_id, l.no desc
      ) t
      returning o.id
    )
    select max(w.id) into v_outbox_id from written w;
  end if;

  insert into transactions (transaction_id, created_at, player_ids) values (p_transaction_id, v_now, v_players);
  insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount,
    item_id, game_item_id, quantity)
  select l.player_id, v_now, p_transaction_id, l.no, l.operation_index, l.currency, l.amount, l.item_id,
    l.game_item_id, l.quantity
  from unnest(v_lines) with ordinality as l(operation_index, player_id, currency, amount, item_id, game_item_id,
    quantity, left_over, version, kind, granted_location_id, created_at, no);

  update players p set version = p.version + 1, item_count = v_counts[array_position(v_players, p.player_id)],
    -- An older transaction may come to the row after a younger one: the position only grows.
    outbox_xid = greatest(p.outbox_xid, v_xid),
    outbox_id = case when (v_xid, v_outbox_id) > (p.outbox_xid, p.outbox_id) then v_outbox_id else p.outbox_id end,
    updated_at = v_now
  where p.player_id = any (v_players);

  answer := transaction_answer(p_transaction_id, v_now, v_players, v_versions, v_lines);
  update transaction_requests r set answer = apply_transaction.answer, created_at = v_now
  where r.transaction_id = p_transaction_id;
end
$$;
