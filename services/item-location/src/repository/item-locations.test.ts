import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { reads } from '../../test/plans.ts';
import type { FilterKind } from '../listing.ts';
import { findFirstPages } from './first-pages.ts';
import { pageStatement } from './item-locations.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
const owner = '00000000-0000-4000-8000-000000000007';
const location = '00000000-0000-4000-9000-000000000003';

beforeAll(async () => {
  database = await openTestDatabase();
  // 50,000 things: 500 players, 50 locations, 5 areas (one of them with most things), 100 items; a tenth is consumed.
  await database.primary.query({
    name: 'fill',
    text: `insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id,
        owner_name, owner_name_version, location_id, location_name, area_code, source_version, consumed)
      select gen_random_uuid(), 'item-' || n % 100, 'Item', 'kind', 1, case when n % 10 = 0 then 0 else 1 end,
        ('00000000-0000-4000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid, 'Owner', 1,
        ('00000000-0000-4000-9000-' || lpad((n % 50)::text, 12, '0'))::uuid, 'Place',
        case when n % 20 < 16 then 'big' else 'area-' || n % 4 end, 1, n % 10 = 0
      from generate_series(1, 50000) as n`,
    values: [],
  });
  await database.asOwner('alter table game_item_locations set (autovacuum_enabled = off); analyze');
});
afterAll(() => database.close());

type Plan = { 'Node Type': string; 'Index Name'?: string; 'Relation Name'?: string; Plans?: Plan[] };

function nodes(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodes)];
}

const LISTINGS: [FilterKind, string, string][] = [
  ['owner', owner, 'game_item_locations_by_owner'],
  ['location', location, 'game_item_locations_by_location'],
  ['area', 'big', 'game_item_locations_by_area'],
  ['area', 'area-1', 'game_item_locations_by_area'],
  ['item', 'item-3', 'game_item_locations_by_item'],
];

/** Has the planner take the table for one of so many times as many rows, with as many times more owners and locations. */
async function pretend(times: number): Promise<void> {
  await database.asOwner(`
    select pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'relpages', relpages,
        'reltuples', (reltuples * ${times})::real)
      from pg_class where relname ~ '^game_item_locations' and reltuples > 0;
    select pg_restore_attribute_stats('schemaname', 'public', 'relname', 'game_item_locations', 'attname', name,
        'inherited', false, 'null_frac', 0::real, 'n_distinct', (count * ${times})::real)
      from (values ('owner_id', 500), ('location_id', 50)) as of (name, count)`);
}

describe.each([
  ['of 50,000 things', 1],
  ['of 5 million things', 100],
])('by the statistics %s', (_, times) => {
  beforeAll(() => pretend(times));

  test('the planner knows how many there are', async () => {
    const { rows } = await database.primary.pool.query('explain (format json) select from game_item_locations');
    const guess: number = rows[0]['QUERY PLAN'][0].Plan['Plan Rows'];
    expect(Math.abs(guess / (50_000 * times) - 1)).toBeLessThan(0.1);
  });

  test('the first pages of many listings are a range of one index each, and their versions come by key', async () => {
    for (const pageSize of [20, 100]) {
      const first = (by: 'owner' | 'location', ids: string[]) =>
        reads(database, (node) => findFirstPages(node, { by, ids, pageSize }));
      const owners = [owner, ...Array.from({ length: 99 }, () => randomUUID())];
      expect(await first('owner', owners)).toEqual(['game_item_locations_by_owner', 'player_versions_pkey']);
      expect(await first('location', [location])).toEqual([
        'game_item_locations_by_location',
        'location_versions_pkey',
      ]);
    }
  });

  test.each(LISTINGS)('a page by %s (%s) is one range of one index: no sort, no join', async (by, value, index) => {
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      for (const step of ['first', 'next', 'previous'] as const) {
        for (const limit of [21, 101, 1001]) {
          const plan = await database.primary.transaction(async (client) => {
            await client.query(`set local plan_cache_mode = ${mode}`);
            await client.query(`prepare page as ${pageStatement(by, step, limit).text}`);
            const boundary = step === 'first' ? '' : `, '${randomUUID()}'`;
            const { rows } = await client.query(`explain (format json) execute page('${value}', ${limit}${boundary})`);
            await client.query('deallocate page');
            return rows[0]['QUERY PLAN'][0].Plan as Plan;
          });
          const page = nodes(plan).filter((node) => node['Index Name']);
          expect(page.map((node) => [node['Node Type'], node['Index Name']])).toEqual([['Index Scan', index]]);
          // The heartbeat is one row: where a replica finds its time.
          const others = nodes(plan).filter((node) => node['Relation Name'] !== 'heartbeat');
          const kinds = others.map((node) => node['Node Type']);
          expect(kinds.filter((kind) => /Sort|Join|Loop|Hash|Bitmap|Seq Scan/.test(kind))).toEqual([]);
        }
      }
    }
  });
});
