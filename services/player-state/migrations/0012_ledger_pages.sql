-- An entry as [operation_index, player_id, currency, amount, item_id, game_item_id, quantity], 64-bit numbers as text.
create function entry_json(e transaction_entries) returns json
language sql immutable
as $$
  select json_build_array(e.operation_index, e.player_id, e.currency, e.amount::text, e.item_id, e.game_item_id,
    e.quantity::text)
$$;

-- One committed transaction with the entries of all its parties. The request tells the time, and so the partition; once
-- it has been trimmed, every partition's index is asked.
create function ledger_transaction(p_transaction_id uuid) returns table (
  created bigint, player_ids uuid[], entries json
)
language sql stable
-- A plan that was made while a month's partition was empty stays right when it has grown.
set enable_seqscan = off
as $$
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
$$;

-- A player's transactions below (p_before, p_before_id), newest first, at most p_limit, each with that player's entries.
-- p_before is in microseconds; null: from the newest. Steps from one transaction to the next by the primary key, so a
-- page costs the same wherever it is.
create function ledger_page(p_player_id uuid, p_before bigint, p_before_id uuid, p_limit integer) returns table (
  transaction_id uuid, created bigint, entries json
)
language sql stable
-- Walks the index: reading all of a long ledger to sort it only looks cheap to a plan that is made for any player.
set enable_sort = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
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
$$;
