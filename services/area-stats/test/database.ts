import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import { createTestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';
import { MIGRATIONS } from '../src/migrations.ts';

/** The nodes of a database of which there is the primary alone. */
export function postgresOf(pool: pg.Pool): Pick<PostgresNodes, 'read' | 'write'> {
  const primary: Reader = {
    pool,
    source: 'primary',
    query: (statement) => pool.query(statement),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const answer = await work(client);
        await client.query('commit');
        return answer;
      } catch (fault) {
        await client.query('rollback');
        throw fault;
      } finally {
        client.release();
      }
    },
  };
  return { read: (work) => work(primary), write: (work) => work(primary) };
}

/** A migrated database of area-stats' own: as its service sees it, and as its owner does. */
export async function openTestDatabase({ connections = 10 }: { connections?: number } = {}) {
  const database = await createTestDatabase({ migrations: MIGRATIONS, name: 'area_stats' });
  const pool = new pg.Pool({ connectionString: database.primaryUrl, max: connections });
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 });
  // The database is dropped by force as soon as the pools have said good-bye.
  for (const each of [pool, owner]) {
    each.on('error', () => undefined);
    each.on('connect', (client) => client.on('error', () => undefined));
  }
  const postgres = postgresOf(pool);
  return {
    ...database,
    postgres,
    /** Connections as the owner of the tables. */
    owner,
    /** Runs a statement as the runtime role. */
    rows: async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await pool.query<R>(text, values)).rows,
    /** Runs statements as the owner of the tables. */
    asOwner: async (text: string) => {
      await owner.query(text);
    },
    async close() {
      await pool.end();
      await owner.end();
      await database.drop();
    },
  };
}

export type TestDatabase = Awaited<ReturnType<typeof openTestDatabase>>;

type Count = { area_code: string; multiplayer_mode: string; current_count: string };

const STORED = `
  select area_code, multiplayer_mode, current_count from area_mode_events_agg
  where area_code like $1 and current_count > 0 order by 1, 2`;

const COUNTED = `
  select area_code, multiplayer_mode, count(*) as current_count
  from area_mode_presence where counted and area_code like $1 group by 1, 2 order by 1, 2`;

const DEFINED = `
  select area_code, multiplayer_mode, count(*) as current_count
  from (
    select distinct on (area_code, multiplayer_mode, user_id) * from area_mode_events where area_code like $1
    order by area_code, multiplayer_mode, user_id, event_time desc, event_id desc
  ) as latest
  where event_name = 'LOGIN' group by 1, 2 order by 1, 2`;

/** The counts of the areas like a pattern: as stored, as presences are counted, and by the definition over the log. */
export async function countsOf({ rows }: Pick<TestDatabase, 'rows'>, areas = '%') {
  const [stored, counted, defined] = await Promise.all(
    [STORED, COUNTED, DEFINED].map((text) => rows<Count>(text, [areas])),
  );
  return { stored: stored!, counted: counted!, defined: defined! };
}
