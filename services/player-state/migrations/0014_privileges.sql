-- What the service's role may do, and no more: the ledger is append-only, players and catalog items are never deleted,
-- the schema is changed by the owner alone.
select runtime_may('select, insert, update', 'table players');
select runtime_may('select, insert, update', 'table items');
select runtime_may('select, insert, update, delete', 'table game_items');
select runtime_may('select, insert, update', 'table balances');
select runtime_may('select, insert, update, delete', 'table transaction_requests');
select runtime_may('', format('table transaction_requests_%s', n)) from generate_series(0, 7) n;
select runtime_may('select, insert', 'table transactions');
select runtime_may('select, insert', 'table transaction_entries');
select runtime_may('select, insert, delete', 'table outbox');
select runtime_may('select, update', 'table outbox_trim');
select runtime_may('select', 'table player_inventory');
select runtime_may('select', 'table ledger');
select runtime_may('usage', 'sequence outbox_id_seq');

revoke all on function ensure_ledger_partitions() from public;
select runtime_may('execute', 'function ensure_ledger_partitions()');
