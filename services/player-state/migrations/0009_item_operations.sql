-- A line of the ledger while its transaction is being made, with what it left.
create type ledger_line as (
  transaction_id uuid, at timestamptz,
  -- The line's place in its transaction, from 1, and its operation's, from 0.
  entry_no smallint, operation_index smallint,
  -- The player, and the version that the transaction gives the player.
  player_id uuid, player_version bigint,
  currency text, amount bigint,
  item_id text, game_item_id uuid, quantity bigint,
  -- The balance or quantity that the player has after it, and the rest of the game item's state.
  left_over bigint, version bigint, kind text, granted_location_id uuid, created_at timestamptz
);

-- Refuses the transaction being made: SQLSTATE RK001, the reason in the message, the facts as JSON in the detail.
create function refuse(p_reason text, p_facts json) returns void
language plpgsql
as $$
begin
  raise exception using errcode = 'RK001', message = p_reason, detail = p_facts::text;
end
$$;

-- The functions below apply one operation about game items. Their caller holds the rows of the players that they name,
-- and completes the lines that they answer.

-- Grants new stacks, none of them larger than the item's max_stack; p_room is the most that there may be.
create function grant_items(
  p_operation smallint, p_player uuid, p_item_id text, p_amount bigint, p_location_id uuid, p_at timestamptz,
  p_room integer, p_touch_room integer, p_inventory_limit integer, p_touch_limit integer
) returns ledger_line[]
language plpgsql
as $$
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
$$;

-- Takes from the named thing, or from the player's oldest ones of that item: each gives what those before it left open.
-- What is gone is what has nothing left over.
create function consume_items(
  p_operation smallint, p_player uuid, p_item_id text, p_game_item_id uuid, p_amount bigint
) returns ledger_line[]
language plpgsql
as $$
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
$$;

-- Hands over a whole stack. Of a part, the receiver gets a new one, which is nowhere yet. Answers the giver's line and
-- the receiver's.
create function transfer_item(
  p_operation smallint, p_player uuid, p_receiver uuid, p_game_item_id uuid, p_amount bigint, p_at timestamptz
) returns ledger_line[]
language plpgsql
as $$
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
$$;
