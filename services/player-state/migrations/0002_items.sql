-- The catalog: what a thing can be. Items are never deleted, because game items and the ledger name them.
create table items (
  item_id text primary key check (item_id ~ '^[a-z0-9][a-z0-9_.-]{0,127}$'),
  name text not null check (length(name) between 1 and 255),
  kind text not null check (length(kind) between 1 and 255),
  max_stack bigint not null default 1 check (max_stack between 1 and 1000000000),
  version bigint not null default 1,
  created_at timestamptz not null default now()
);
