-- A line of the ledger while its transaction is being made, with what it left.
create type ledger_line as (
  operation_index smallint, player_id uuid,
  currency text, amount bigint,
  item_id text, game_item_id uuid, quantity bigint,
  -- The balance or quantity that the player has after it, and the rest of the game item's state.
  left_over bigint, version bigint, kind text, granted_location_id uuid, created_at timestamptz
);

-- The ApplyTransactionResponse of a committed transaction in the protobuf JSON form. p_players and p_versions are side by
-- side, the versions as they were before.
create function transaction_answer(
  p_transaction_id uuid, p_created_at timestamptz, p_players uuid[], p_versions bigint[], p_lines ledger_line[]
) returns json
language plpgsql stable
as $$
begin
  return json_build_object(
    'transaction', json_build_object(
      'transactionId', p_transaction_id,
      'createTime', p_created_at,
      'entries', (
        select json_agg(case
          when l.currency is not null then json_build_object('operationIndex', l.operation_index,
            'playerId', l.player_id, 'currency', l.currency, 'amount', l.amount::text)
          else json_build_object('operationIndex', l.operation_index,
            'playerId', l.player_id, 'itemId', l.item_id, 'gameItemId', l.game_item_id, 'quantity', l.quantity::text)
          end)
        from unnest(p_lines) l)),
    'states', (
      select json_agg(json_build_object(
        'playerId', p.player_id,
        'version', (p.version + 1)::text,
        'balances', (
          select json_agg(json_build_object('currency', b.currency, 'amount', b.left_over::text))
          from (
            select distinct on (l.currency) l.currency, l.left_over
            from unnest(p_lines) with ordinality as l(operation_index, player_id, currency, amount, item_id,
              game_item_id, quantity, left_over, version, kind, granted_location_id, created_at, no)
            where l.player_id = p.player_id and l.currency is not null order by l.currency, l.no desc
          ) b),
        'items', (
          select json_agg(json_build_object('gameItemId', g.game_item_id, 'itemId', g.item_id, 'kind', g.kind,
            'quantity', g.left_over::text, 'version', g.version::text, 'createTime', g.created_at))
          from (
            select distinct on (l.game_item_id) l.*
            from unnest(p_lines) with ordinality as l(operation_index, player_id, currency, amount, item_id,
              game_item_id, quantity, left_over, version, kind, granted_location_id, created_at, no)
            where l.player_id = p.player_id and l.game_item_id is not null order by l.game_item_id, l.no desc
          ) g)))
      from unnest(p_players, p_versions) as p(player_id, version)));
end
$$;
