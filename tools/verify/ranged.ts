import type { ClientBase } from 'pg';
import { estimateRows, type Keys, keyRanges } from './key-ranges.ts';
import type { Finding, Verification } from './verification.ts';

/**
 * A verification by one statement a range of keys: each sees one snapshot, so it may run while the data change. The
 * statement's values are the range's ends (see `within`); it answers what is broken as (id, what).
 */
export function ranged(client: ClientBase, says: string, keys: Keys, statement: string): Verification {
  return {
    says,
    rows: () => estimateRows(client, keys.table),
    async *run(advance) {
      for await (const { after, through, rows } of keyRanges(client, keys)) {
        const broken = await client.query<Finding>(statement, [after, through]);
        yield* broken.rows;
        advance(rows);
      }
    },
  };
}
