import type { ClientBase } from 'pg';

/** How a table is gone through: by a key that has an index, in ranges of about `size` rows. */
export type Keys = { table: string; key: string; type: 'uuid' | 'bigint' | 'text'; size: number };

/** The rows with a key above `after`, up to and including `through`; null: from the beginning, to the end. */
export type KeyRange = { after: string | null; through: string | null; rows: number };

/** The table's keys from the first to the last, as ranges without a gap. Each is found when it is asked for. */
export async function* keyRanges(client: ClientBase, { table, key, size }: Keys): AsyncGenerator<KeyRange> {
  let after: string | null = null;
  for (;;) {
    const { rows } = await client.query<{ key: string | null; rows: number }>(
      `select (array_agg(k.key order by k.key desc))[1]::text as key, count(*)::int as rows from (
         select ${key} as key from ${table} ${after === null ? '' : `where ${key} > $2`} order by ${key} limit $1
       ) k`,
      after === null ? [size] : [size, after],
    );
    const found: { key: string | null; rows: number } = rows[0]!;
    const through = found.rows === size ? found.key : null;
    yield { after, through, rows: found.rows };
    if (through === null) return;
    after = through;
  }
}

/** A condition that a column is within the range whose ends are the statement's first two values. */
export function within(column: string, type: Keys['type']): string {
  return `($1::${type} is null or ${column} > $1) and ($2::${type} is null or ${column} <= $2)`;
}

/** How many rows the tables have, by the planner's statistics. */
export async function estimateRows(client: ClientBase, table: string): Promise<number> {
  const { rows } = await client.query<{ rows: string }>(
    `select coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint as rows from pg_partition_tree($1) t
     right join pg_class c on c.oid = t.relid where c.oid = $1::regclass or t.isleaf`,
    [table],
  );
  return Number(rows[0]!.rows);
}
