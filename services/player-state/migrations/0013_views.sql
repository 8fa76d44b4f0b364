-- For operators: what each player holds, named.
create view player_inventory as
select p.player_id, p.display_name, g.game_item_id, g.item_id, c.name as item_name, c.kind as item_kind, g.quantity,
  g.version, g.created_at
from game_items g
join players p on p.player_id = g.owner_id
join items c on c.item_id = g.item_id;

-- For operators: every change to every balance and thing, named.
create view ledger as
select e.created_at, e.transaction_id, e.entry_no, e.operation_index, e.player_id, p.display_name, e.currency, e.amount,
  e.item_id, c.name as item_name, e.game_item_id, e.quantity
from transaction_entries e
join players p on p.player_id = e.player_id
left join items c on c.item_id = e.item_id;
