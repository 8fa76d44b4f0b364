import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { stores, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';

type PlanNode = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: PlanNode[] };

/** Tables of one row. */
const SINGLE = ['heartbeat', 'follow_position'];

/** What a plan reads and how it puts that together: indexes, tables from end to end, sorts and joins of tables. */
function readsOf(node: PlanNode): string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index, Plans = [] } = node;
  const reads = Plans.flatMap(readsOf);
  const tables = Plans.filter((plan) => readsOf(plan).length > 0).length;
  if (/Join|Nested Loop/.test(type) && tables > 1) return [`a join of ${reads.join(' and ')}`];
  const name = type === 'Seq Scan' && !SINGLE.includes(table ?? '') ? `all of ${table}` : index;
  return name && !SINGLE.some((single) => name.startsWith(single)) ? [name, ...reads] : reads;
}

/**
 * Runs the call on a connection that tells the plans of all statements, those inside functions too, made for any values;
 * answers what they read, each once.
 */
export async function reads(database: TestDatabase, call: (node: Reader) => Promise<unknown>): Promise<string[]> {
  const { primaryUrl } = await stores();
  const seen = new Set<string>();
  // The owner of the cluster: only it may have plans told.
  const connectionString = new URL(new URL(database.ownerUrl).pathname, primaryUrl).href;
  const pool = new pg.Pool({ connectionString, max: 1 });
  pool.on('connect', (client) => {
    client.on('notice', ({ message = '' }) => {
      const [, json] = message.split('plan:\n');
      if (json) for (const read of readsOf((JSON.parse(json) as { Plan: PlanNode }).Plan)) seen.add(read);
    });
  });
  const node: Reader = {
    pool,
    source: 'primary',
    query: (statement) => pool.query(statement),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        return await work(client);
      } finally {
        await client.query('rollback');
        client.release();
      }
    },
  };
  try {
    await pool.query(`load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_level = notice;
      set auto_explain.log_nested_statements = on; set auto_explain.log_format = json; set log_min_messages = panic;
      set plan_cache_mode = force_generic_plan`);
    await call(node);
  } finally {
    await pool.end();
  }
  return [...seen].toSorted();
}
