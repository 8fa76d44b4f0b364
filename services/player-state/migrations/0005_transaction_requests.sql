-- The transactions asked for, by the id that the caller chose, each with its answer. The row is a part of the write's own
-- transaction, which holds a lock of the id from its beginning: a second request with the same id waits for the first,
-- then finds its answer.
create table transaction_requests (
  transaction_id uuid primary key,
  -- SHA-256 of the request without its id.
  content_hash bytea not null,
  -- As apply_transactions makes it.
  answer json not null,
  -- When the transaction was committed, as the ledger has it.
  created_at timestamptz not null default now()
) partition by hash (transaction_id);

create table transaction_requests_0 partition of transaction_requests for values with (modulus 8, remainder 0);
create table transaction_requests_1 partition of transaction_requests for values with (modulus 8, remainder 1);
create table transaction_requests_2 partition of transaction_requests for values with (modulus 8, remainder 2);
create table transaction_requests_3 partition of transaction_requests for values with (modulus 8, remainder 3);
create table transaction_requests_4 partition of transaction_requests for values with (modulus 8, remainder 4);
create table transaction_requests_5 partition of transaction_requests for values with (modulus 8, remainder 5);
create table transaction_requests_6 partition of transaction_requests for values with (modulus 8, remainder 6);
create table transaction_requests_7 partition of transaction_requests for values with (modulus 8, remainder 7);

-- For trimming. A summary of blocks, so it costs a write next to nothing.
create index transaction_requests_created on transaction_requests using brin (created_at) with (pages_per_range = 16);
