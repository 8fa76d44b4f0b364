-- The ledger: append-only, partitioned by month. A month's partition is made ahead by ensure_ledger_partitions().
create table transactions (
  transaction_id uuid not null,
  created_at timestamptz not null,
  -- The players whose state it changed, in order of their ids.
  player_ids uuid[] not null,
  primary key (transaction_id, created_at)
) partition by range (created_at);

create table transaction_entries (
  player_id uuid not null,
  created_at timestamptz not null,
  transaction_id uuid not null,
  -- The entry's place in its transaction, from 1.
  entry_no smallint not null,
  -- The operation that made it, from 0.
  operation_index smallint not null,
  -- An entry is about a currency, or about a thing.
  currency text,
  amount bigint,
  item_id text,
  game_item_id uuid,
  quantity bigint,
  -- In the order in which a player's ledger is read.
  primary key (player_id, created_at, transaction_id, entry_no),
  check (num_nonnulls(currency, amount) = 2 and num_nonnulls(item_id, game_item_id, quantity) = 0
    or num_nonnulls(currency, amount) = 0 and num_nonnulls(item_id, game_item_id, quantity) = 3)
) partition by range (created_at);

-- Makes the ledger's partitions of this month and the next two; returns how many tables were missing. A new partition is
-- attached rather than created in place, which lets writes go on. Runs as the owner, so that the services' role can
-- call it without the right to change the schema.
create function ensure_ledger_partitions() returns integer
language plpgsql security definer set search_path = public, pg_temp
as $$
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
$$;

select ensure_ledger_partitions();
