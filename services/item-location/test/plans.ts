import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { stores, type TestDatabase } from '@realmkeep/testkit/stores';
import pg from 'pg';

type PlanNode = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: PlanNode[] };

/** Tables of one row. */
const SINGLE = ['heartbeat', 'follow_position'];

/** The index that a node reads, or the table from end to end. */
function readOf({ 'Node Type': type, 'Relation Name': table, 'Index Name': index }: PlanNode): string[] {
  const name = type === 'Seq Scan' && !SINGLE.includes(table ?? '') ? `all of ${table}` : index;
  return name && !SINGLE.some((single) => name.startsWith(single)) ? [name] : [];
}

/** What reaches a node without a limit on its way: sorted, its cost grows with what there is. */
function unlimited(node: PlanNode): string[] {
  const { 'Node Type': type, Plans = [] } = node;
  return type === 'Limit' ? [] : [...readOf(node), ...Plans.flatMap(unlimited)];
}

/**
 * What a plan reads and how it puts that together: indexes, tables from end to end, joins of tables, and sorts, but for
 * those of what a limit bounds.
 */
function readsOf(node: PlanNode): string[] {
  const { 'Node Type': type, Plans = [] } = node;
  const reads = Plans.flatMap(readsOf);
  const tables = Plans.filter((plan) => readsOf(plan).length > 0).length;
  if (/Join|Nested Loop/.test(type) && tables > 1) return [`a join of ${reads.join(' and ')}`];
  const sorted = /Sort$/.test(type) ? unlimited(node) : [];
  if (sorted.length > 0) return [`a sort of ${sorted.join(' and ')}`];
  return [...readOf(node), ...reads];
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
