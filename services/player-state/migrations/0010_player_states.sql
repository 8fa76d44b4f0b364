-- Microseconds since 1970, exactly.
create function micros(p_at timestamptz) returns bigint
language sql immutable parallel safe
as $$
  select (extract(epoch from p_at) * 1000000)::bigint
$$;

-- What each of the players has, from the one snapshot of the calling query; unknown players have no row. Balances are
-- [currency, amount] by currency, items [game_item_id, item_id, kind, quantity, version, created] oldest first: amounts,
-- quantities and versions as text, times in microseconds.
create function player_states(p_player_ids uuid[]) returns table (
  player_id uuid, display_name text, version bigint, outbox_xid bigint, outbox_id bigint, created bigint, updated bigint,
  balances json, items json, as_of timestamptz
)
language sql stable
as $$
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
$$;
