import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import type { FilterKind } from '../listing.ts';
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
  await database.asOwner('analyze game_item_locations');
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
