-- What a player holds of one currency: always the sum of its ledger entries.
create table balances (
  player_id uuid not null,
  currency text not null,
  amount bigint not null check (amount >= 0),
  primary key (player_id, currency)
) with (fillfactor = 85);
