import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

// What apply_transactions leaves behind for a credit of one player, row for row, as one statement: prepared, one round
// trip, one commit. Nothing is checked, nothing is answered.
const CREDIT = `\\set n random(1, :players)
with it as materialized (
  select gen_random_uuid() as id, clock_timestamp() as at, (select player_id from bench_players where n = :n)
), request as (
  insert into transaction_requests (transaction_id, content_hash, answer, created_at)
  select id, sha256(uuid_send(id)), json_build_object(
    'transaction', json_build_object('transactionId', id, 'createTime', at, 'entries', json_build_array(
      json_build_object('operationIndex', 0, 'playerId', player_id, 'currency', 'gold', 'amount', '1'))),
    'states', json_build_array(json_build_object('playerId', player_id, 'version', '1', 'balances',
      json_build_array(json_build_object('currency', 'gold', 'amount', '1000'))))), at
  from it
), balance as (
  update balances b set amount = b.amount + 1 from it where b.player_id = it.player_id and b.currency = 'gold'
), header as (
  insert into transactions (transaction_id, created_at, player_ids) select id, at, array[player_id] from it
), entry as (
  insert into transaction_entries (player_id, created_at, transaction_id, entry_no, operation_index, currency, amount)
  select player_id, at, id, 1, 0, 'gold', 1 from it
)
update players p set version = p.version + 1, updated_at = it.at from it where p.player_id = it.player_id;
`;

/** pgbench with the row work of a credit of a player drawn uniformly. */
export type Pgbench = {
  /** Transactions committed a second by so many clients. Rejects when one failed. */
  run(options: { clients: number; seconds: number }): Promise<number>;
  /** Drops what was made for it. */
  end(): Promise<void>;
};

/** Makes its players' table in the database at `url`, as its owner. */
export async function openPgbench({ program, url }: { program: string; url: string }): Promise<Pgbench> {
  const folder = mkdtempSync(join(tmpdir(), 'realmkeep-pgbench-'));
  const script = join(folder, 'credit.sql');
  writeFileSync(script, CREDIT);
  const players = await withClient(url, async (client) => {
    await client.query('drop table if exists bench_players');
    await client.query('create table bench_players as select row_number() over ()::int as n, player_id from players');
    await client.query('alter table bench_players add primary key (n)');
    await client.query('analyze bench_players');
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from bench_players');
    return rows[0]!.count;
  });
  return {
    run: async ({ clients, seconds }) => {
      const { stdout } = await run(program, [
        ...['--no-vacuum', '--protocol', 'prepared', '--file', script, '--define', `players=${players}`],
        ...['--client', String(clients), '--jobs', '2', '--time', String(seconds), url],
      ]);
      const rate = /tps = ([\d.]+)/.exec(stdout);
      const failed = /number of failed transactions: (\d+)/.exec(stdout);
      if (failed !== null && failed[1] !== '0') {
        throw new Error(`pgbench did not commit everything: ${stdout.slice(-500)}`);
      }
      // No rate is told when nothing was committed in time.
      return Number(rate?.[1] ?? 0);
    },
    end: async () => {
      rmSync(folder, { recursive: true, force: true });
      await withClient(url, (client) => client.query('drop table if exists bench_players'));
    },
  };
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
