import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '@realmkeep/testkit/parts/postgres-replica';
import { stores } from '@realmkeep/testkit/stores';
import { expect, it } from 'vitest';
import { root } from './manifests.ts';

it("what the operations guide says to a Postgres of one's own makes a database whose text sorts alike everywhere", async () => {
  const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const name = `guide_${randomBytes(6).toString('hex')}`;
  const sql = /```sql\n([\s\S]*?)```/.exec(guide)![1]!.replaceAll('player_state', name);
  const { primaryUrl } = await stores();
  const statements = sql
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  await withClient(primaryUrl, async (client) => {
    try {
      for (const statement of statements) await client.query(statement);
      const { rows } = await client.query(
        'select pg_encoding_to_char(encoding) as encoding, datlocprovider, datlocale, datcollate, ' +
          'pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
        [name],
      );
      const builtin = { datlocprovider: 'b', datlocale: 'C.UTF-8', datcollate: 'C' };
      expect(rows).toEqual([{ encoding: 'UTF8', ...builtin, owner: `${name}_owner` }]);
    } finally {
      await client.query(`drop database if exists ${name} with (force)`);
      await client.query(`drop role if exists ${name}, ${name}_owner`);
    }
  });
});
