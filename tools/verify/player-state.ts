import type { ClientBase } from 'pg';
import { type Keys, within } from './key-ranges.ts';
import { ranged } from './ranged.ts';
import type { Verification } from './verification.ts';

const PLAYERS: Keys = { table: 'players', key: 'player_id', type: 'uuid', size: 20_000 };
const TRANSACTIONS: Keys = { table: 'transactions', key: 'transaction_id', type: 'uuid', size: 50_000 };
const LEDGER: Keys = { ...TRANSACTIONS, size: 1_000_000 };
const REQUESTS: Keys = { table: 'transaction_requests', key: 'transaction_id', type: 'uuid', size: 50_000 };
const OUTBOX: Keys = { table: 'outbox', key: 'xid', type: 'bigint', size: 50_000 };

/** What must hold of what players have. */
export function playerStateVerifications(client: ClientBase): Verification[] {
  return [
    ranged(client, '1. what was answered is in the ledger, as it was answered', REQUESTS, ANSWERED),
    ranged(client, '1. a transaction is in the ledger once, with entries of its players alone', LEDGER, ONCE, 'scan'),
    ranged(client, '2. a balance is the sum of its ledger entries, and not below zero', PLAYERS, BALANCES),
    ranged(
      client,
      '2. 3. a thing has the owner and quantity that the ledger says, and a version for each change',
      PLAYERS,
      THINGS,
    ),
    ranged(client, '2. what is transferred is conserved', TRANSACTIONS, TRANSFERS),
    ranged(client, '3. a player’s version counts each of its changes once', PLAYERS, VERSIONS),
    ranged(client, '3. nothing is older than what the outbox told of it', OUTBOX, TOLD),
  ];
}

const ANSWERED = `
  select r.transaction_id::text as id, 'was answered, and is not in the ledger at that time' as what
  from transaction_requests r
  where ${within('r.transaction_id', 'uuid')} and not exists (
    select from transactions t where t.transaction_id = r.transaction_id and t.created_at = r.created_at)`;

// No index leads from a transaction to its entries: each range reads all entries once, which is far less than a look-up
// for each transaction.
const ONCE = `
  with t as materialized (select t.* from transactions t where ${within('t.transaction_id', 'uuid')}),
  e as materialized (
    select distinct e.transaction_id, e.created_at, e.player_id from transaction_entries e
    where ${within('e.transaction_id', 'uuid')}
  )
  select t.transaction_id::text as id, format('is there %s times', count(*)) as what
  from t group by t.transaction_id having count(*) > 1
  union all
  select t.transaction_id::text, format('changed %s players, and has entries of %s', cardinality(t.player_ids),
    coalesce(n.players, 0))
  from t left join (
    select e.transaction_id, e.created_at, count(*) as players from e group by e.transaction_id, e.created_at
  ) n using (transaction_id, created_at)
  where n.players is distinct from cardinality(t.player_ids)
  union all
  select e.transaction_id::text, format('has entries of player %s, whom it does not name', e.player_id)
  from e left join t using (transaction_id, created_at)
  where t.transaction_id is null or e.player_id <> all (t.player_ids)`;

const BALANCES = `
  select player_id || ' ' || currency as id,
    format('holds %s, and its ledger sums to %s', coalesce(b.amount::text, 'nothing'), coalesce(e.sum, 0)) as what
  from (select * from balances b where ${within('b.player_id', 'uuid')}) b
  full join (
    select e.player_id, e.currency, sum(e.amount) as sum from transaction_entries e
    where ${within('e.player_id', 'uuid')} and e.currency is not null group by e.player_id, e.currency
  ) e using (player_id, currency)
  where b.amount is distinct from e.sum or b.amount < 0`;

// A thing's version counts at least the changes that its present owner knows of.
const THINGS = `
  select game_item_id::text as id, case
      when coalesce(g.quantity, 0) <> coalesce(e.sum, 0) or g.item_id <> e.item_id
      then format('player %s holds %s %s, and the ledger says %s %s', player_id, coalesce(g.quantity, 0), g.item_id,
        coalesce(e.sum, 0), e.item_id)
      else format('is at version %s, after %s changes', g.version, e.changes)
    end as what
  from (select g.owner_id as player_id, g.* from game_items g where ${within('g.owner_id', 'uuid')}) g
  full join (
    select e.player_id, e.game_item_id, min(e.item_id) as item_id, sum(e.quantity) as sum, count(*) as changes
    from transaction_entries e where ${within('e.player_id', 'uuid')} and e.game_item_id is not null
    group by e.player_id, e.game_item_id
  ) e using (player_id, game_item_id)
  where coalesce(g.quantity, 0) <> coalesce(e.sum, 0) or g.item_id <> e.item_id or g.version < e.changes`;

// Only a transfer has two entries of one operation in a currency, or takes from one thing and gives another.
const TRANSFERS = `
  select t.transaction_id::text as id, format('operation %s takes and gives amounts that differ by %s', e.operation_index,
    e.difference) as what
  from transactions t cross join lateral (
    select e.operation_index, sum(coalesce(e.amount, e.quantity)) as difference from transaction_entries e
    where e.player_id = any (t.player_ids) and e.created_at = t.created_at and e.transaction_id = t.transaction_id
    group by e.operation_index
    having count(distinct e.player_id) > 1 and sum(coalesce(e.amount, e.quantity)) <> 0
  ) e
  where ${within('t.transaction_id', 'uuid')} and cardinality(t.player_ids) > 1`;

const VERSIONS = `
  select player_id::text as id, case
      when p.version is null then 'has things or a ledger, and is no player'
      when p.version <> p.name_version + coalesce(e.transactions, 0)
      then format('is at version %s, after %s transactions and %s names', p.version, coalesce(e.transactions, 0),
        p.name_version)
      else format('counts %s things, and holds %s', p.item_count, coalesce(g.things, 0))
    end as what
  from (select * from players p where ${within('p.player_id', 'uuid')}) p
  full join (
    select player_id, count(*) as transactions from (
      select distinct e.player_id, e.created_at, e.transaction_id from transaction_entries e
      where ${within('e.player_id', 'uuid')}
    ) e group by player_id
  ) e using (player_id)
  full join (
    select g.owner_id as player_id, count(*) as things from game_items g
    where ${within('g.owner_id', 'uuid')} group by g.owner_id
  ) g using (player_id)
  where p.version is distinct from p.name_version + coalesce(e.transactions, 0)
    or p.item_count is distinct from coalesce(g.things, 0)`;

const TOLD = `
  with told as materialized (
    select o.xid, o.id, n.noun, n.state from outbox o, json_each(o.event) as n(noun, state)
    where ${within('o.xid', 'bigint')}
  )
  select g.game_item_id::text as id,
    format('is at version %s, and version %s with quantity %s was told', g.version, t.state->>'version',
      t.state->>'quantity') as what
  from told t join game_items g on g.game_item_id = (t.state->>'gameItemId')::uuid
  where t.noun = 'gameItem' and (g.version < (t.state->>'version')::bigint or t.state->>'quantity' = '0')
  union all
  select p.player_id::text, format('has name version %s, and %s was told', p.name_version, t.state->>'version')
  from told t join players p on p.player_id = (t.state->>'playerId')::uuid
  where t.noun = 'player' and p.name_version < (t.state->>'version')::bigint
  union all
  select i.item_id, format('is at version %s, and %s was told', i.version, t.state->>'version')
  from told t join items i on i.item_id = t.state->>'itemId'
  where t.noun = 'item' and i.version < (t.state->>'version')::bigint
  union all
  select p.player_id::text, format('stands at outbox position (%s, %s), below its write at (%s, %s)', p.outbox_xid,
    p.outbox_id, t.xid, t.id)
  from told t join players p on p.player_id = coalesce(t.state->>'playerId', t.state->>'ownerId')::uuid
  where t.noun in ('player', 'gameItem') and (p.outbox_xid, p.outbox_id) < (t.xid, t.id)`;
