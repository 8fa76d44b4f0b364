import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { createTestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { MIGRATIONS } from '../src/migrations.ts';

/** A migrated database of item-location's own, and its primary as the runtime role sees it. */
export async function openTestDatabase() {
  const database = await createTestDatabase({ migrations: MIGRATIONS, name: 'item_location' });
  const pool = new pg.Pool({ connectionString: database.primaryUrl, max: 20 });
  const primary: Reader = {
    pool,
    source: 'primary',
    query: (statement) => pool.query(statement),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
  };
  return {
    ...database,
    primary,
    /** Runs a statement as the owner of the tables. */
    async asOwner(text: string) {
      const client = new pg.Client({ connectionString: database.ownerUrl });
      await client.connect();
      await client.query(text).finally(() => client.end());
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
