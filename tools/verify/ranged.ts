import type { ClientBase } from 'pg';
import { estimateRows, type Keys, keyRanges } from './key-ranges.ts';
import type { Finding, Verification } from './verification.ts';

/**
 * A verification by one statement a range of keys: each sees one snapshot, so it may run while the data change. The
 * statement's values are the range's ends (see `within`); it answers what is broken as (id, what). It reads ranges of
 * indexes, whatever the planner thinks of a table, unless `reads` says that it has to scan one.
 */
export function ranged(
  client: ClientBase,
  says: string,
  keys: Keys,
  statement: string,
  reads: 'ranges' | 'scan' = 'ranges',
): Verification {
  return {
    says,
    rows: () => estimateRows(client, keys.table),
    async *run(advance) {
      for await (const { after, through, rows } of keyRanges(client, keys)) {
        await client.query(`set enable_seqscan = ${reads === 'scan' ? 'on' : 'off'}`);
        const broken = await client.query<Finding>(statement, [after, through]);
        yield* broken.rows;
        advance(rows);
      }
    },
  };
}
