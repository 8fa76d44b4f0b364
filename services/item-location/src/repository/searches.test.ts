import { randomUUID } from 'node:crypto';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/database.ts';
import { reads } from '../../test/plans.ts';
import type { ItemLocationRow } from '../item-location.ts';
import { findItemLocation, findItemLocations, playerItemLocations } from './item-locations.ts';
import { nearbyItemLocations, searchItemLocations } from './searches.ts';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
const owner = '00000000-0000-4000-8000-000000000007';

beforeAll(async () => {
  database = await openTestDatabase();
  // 30,000 things: 3,000 players of long, alike names, 50 locations, 5 areas, 100 items; a tenth is consumed.
  await database.asOwner(`
    insert into item_names (item_id, name, kind, version) select 'item-' || n, 'Blade ' || n, 'weapon', 1
      from generate_series(0, 99) n;
    insert into item_names (item_id, name, kind, version) values
      ('star', 'Star', 'gem', 1), ('starlight', 'Starlight cloak', 'armour', 1), ('cloak', 'Cloak of 100% ✨', 'armour', 1),
      ('izmir', 'İZMİR blade', 'weapon', 1), ('odos', 'ΟΔΟΣ', 'gem', 1);
    insert into player_names (player_id, name, version)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Adventurer ' || repeat('of the vale ', 15) || n, 1
      from generate_series(0, 2999) n;
    insert into locations (location_id, name, area_code)
      select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, 'Market ' || n, 'area-' || n % 5
      from generate_series(0, 49) n;
    insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id,
        owner_name, owner_name_version, location_id, location_name, area_code, x, y, z, source_version, consumed)
      select gen_random_uuid(), i.item_id, i.name, i.kind, 1, case when n % 10 = 0 then 0 else 1 end,
        p.player_id, p.name, 1, l.location_id, l.name, l.area_code, n % 97, n % 11, n % 89, 1, n % 10 = 0
      from generate_series(1, 30000) as n
      join item_names i on i.item_id = case n % 1000 when 1 then 'star' when 2 then 'starlight' when 3 then 'cloak' when 4 then 'izmir' when 5 then 'odos' else 'item-' || n % 100 end
      join player_names p on p.player_id = ('00000000-0000-4000-8000-' || lpad((n % 3000)::text, 12, '0'))::uuid
      join locations l on l.location_id = ('00000000-0000-4000-9000-' || lpad((n % 50)::text, 12, '0'))::uuid;
    analyze`);
});
afterAll(() => database.close());

function search(text: string, limit = 20) {
  return searchItemLocations(database.primary, { text, limit, similarMs: 20_000 });
}

function names(rows: ItemLocationRow[]): string[] {
  return [...new Set(rows.map((row) => row.item_name))];
}

describe('a search', () => {
  test('finds the name itself first, then longer ones that begin with it, then those that are like it', async () => {
    const { rows, similarLeftOut } = await search('star', 80);
    expect(names(rows)).toEqual(['Star', 'Starlight cloak']);
    expect(similarLeftOut).toBe(false);
    const star = rows.filter((row) => row.item_name === 'Star').map((row) => row.game_item_id);
    expect(star).toEqual(star.toSorted());
    expect(names((await search('starlihgt cloak', 40)).rows)[0]).toBe('Starlight cloak');
    expect(new Set(rows.map((row) => row.game_item_id)).size).toBe(rows.length);
  });

  test('finds by the name of an owner and of a location, and nothing that was consumed', async () => {
    const found = await search('market 7', 100);
    expect(found.rows[0]).toMatchObject({ location_name: 'Market 7' });
    const held = await search(`adventurer ${'of the vale '.repeat(15)}7`, 9);
    expect(held.rows.every((row) => row.owner_id === owner)).toBe(true);
    const consumed = await database.primary.pool.query(
      'select 1 from game_item_locations where consumed and game_item_id = any ($1)',
      [found.rows.map((row) => row.game_item_id)],
    );
    expect(consumed.rowCount).toBe(0);
  });

  test.each(['İZMİR blade', 'ΟΔΟΣ'])('finds %s as it is written, and in the lower case of Postgres', async (name) => {
    expect(names((await search(name, 1)).rows)).toEqual([name]);
    const { rows } = await database.primary.pool.query<{ folded: string }>('select lower($1) as folded', [name]);
    expect(names((await search(rows[0]!.folded, 1)).rows)).toEqual([name]);
  });

  test.each([
    ['a percent sign', '%', 0],
    ['an emoji', '✨', 0],
    ['what looks like a pattern', 'st%r_', 0],
    ['255 characters', 'x'.repeat(255), 0],
    ['a part with a percent sign and an emoji', 'cloak of 100% ✨', 1],
  ])('for %s means the characters themselves', async (_, text, least) => {
    const { rows } = await search(text, 5);
    if (least) expect(rows[0]!.item_name).toBe('Cloak of 100% ✨');
    else expect(rows.filter((row) => row.item_name.includes('100%'))).toEqual([]);
  });

  test('gives up looking for similar names when the time is over, and says so', async () => {
    const text = `zadventurer ${'of the vale '.repeat(15)}`;
    const found = await searchItemLocations(database.primary, { text, limit: 20, similarMs: 1 });
    expect(found).toMatchObject({ similarLeftOut: true, rows: [] });
  });

  test('looks at names of each kind: however many of one kind begin with the text or are like it, they hide no other', async () => {
    await database.asOwner(`
      insert into player_names (player_id, name, version) select gen_random_uuid(), 'Comet ' || n, 1 from generate_series(1, 300) n;
      insert into item_names (item_id, name, kind, version) values ('comet', 'Comet tail cloak', 'armour', 1);
      insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id,
          owner_name, owner_name_version, location_name, area_code, source_version, consumed)
        values (gen_random_uuid(), 'comet', 'Comet tail cloak', 'armour', 1, 1, '${owner}', '', 1, '', '', 1, false)`);
    expect(names((await search('comet')).rows)).toContain('Comet tail cloak');
    expect(names((await search('komet')).rows)).toContain('Comet tail cloak');
    for (const [kind, text] of [
      ['beginning_with', 'comet'],
      ['like', 'komet'],
    ]) {
      const { rows } = await database.primary.pool.query(
        `select count(*) filter (where noun = 'owner')::int as owners, count(*) filter (where id = 'comet')::int as items
         from names_${kind}('${text}', 100)`,
      );
      expect(rows).toEqual([{ owners: 100, items: 1 }]);
    }
  });

  test('reads no more names than it looks at, however many are equal', async () => {
    await database.asOwner(`
      insert into player_names (player_id, name, version) select gen_random_uuid(), 'Player', 1 from generate_series(1, 20000);
      analyze player_names`);
    const { rows } = await database.primary.pool.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      "explain (analyze, buffers, format json) select * from names_beginning_with('player', 100)",
    );
    const plan = rows[0]!['QUERY PLAN'][0].Plan;
    expect(plan['Actual Rows']).toBe(100);
    expect(plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!).toBeLessThan(300);
  });

  test('for a prefix that everything has costs no more than so many names and things', async () => {
    const { rows } = await database.primary.pool.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select g.* from (
         select array_agg(noun order by place) as nouns, array_agg(id order by place) as ids from names_beginning_with('', 100)
       ) n, lateral item_locations_named(n.nouns, n.ids, 100, '{}') g`,
    );
    const plan = rows[0]!['QUERY PLAN'][0].Plan;
    expect(plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!).toBeLessThan(2_000);
  });
});

describe('the things near a point', () => {
  test('are the nearest of their area, nearest first, none beyond the distance', async () => {
    const all = await database.primary.pool.query<{ game_item_id: string; x: number; y: number; z: number }>(
      "select game_item_id, x, y, z from game_item_locations where area_code = 'area-3' and not consumed",
    );
    for (const point of [
      [0, 0, 0],
      [48.3, 5, 20.7],
      [-1e6, 3, 1e6],
    ] as [number, number, number][]) {
      const distances = all.rows.map(({ x, y, z }) => Math.hypot(x - point[0], y - point[1], z - point[2]));
      const wanted = distances.toSorted((a, b) => a - b).slice(0, 50);
      const near = { areaCode: 'area-3', point, maxDistance: 0, limit: 50 };
      const { rows } = await nearbyItemLocations(database.primary, near);
      expect(rows.map((row) => row.area_code)).toEqual(wanted.map(() => 'area-3'));
      for (const [index, row] of rows.entries()) expect(row.distance).toBeCloseTo(wanted[index]!, 6);
      const within = wanted[20]!;
      const { rows: close } = await nearbyItemLocations(database.primary, { ...near, maxDistance: within });
      expect(close.every((row) => row.distance <= within)).toBe(true);
      expect(close.length).toBe(rows.filter((row) => row.distance <= within).length);
    }
    const nowhere = { areaCode: 'no such', point: [0, 0, 0] as [number, number, number], maxDistance: 0, limit: 5 };
    expect((await nearbyItemLocations(database.primary, nowhere)).rows).toEqual([]);
  });
});

test('of things at one distance those with the lowest ids are answered, up to 1,000 of them beyond the limit', async () => {
  const pile = (area: string, count: number) => `
    insert into game_item_locations (game_item_id, item_id, item_name, item_kind, item_version, quantity, owner_id,
      owner_name, owner_name_version, location_name, area_code, x, source_version, consumed)
    select gen_random_uuid(), 'gem', '', '', 1, 1, '${owner}', '', 1, '', '${area}', least(n, 3), 1, false from generate_series(1, ${count}) as n`;
  await database.asOwner(`${pile('heap', 900)}; ${pile('mountain', 5_000)}; analyze game_item_locations`);
  const near = { areaCode: 'heap', point: [0, 0, 0] as [number, number, number], maxDistance: 0, limit: 20 };
  const wanted = await database.primary.pool.query<{ game_item_id: string }>(
    "select game_item_id from game_item_locations where area_code = 'heap' order by x, game_item_id limit 20",
  );
  const { rows } = await nearbyItemLocations(database.primary, near);
  expect(rows.map((row) => row.game_item_id)).toEqual(wanted.rows.map((row) => row.game_item_id));

  let given = 0;
  const explained: Reader = {
    ...database.primary,
    async query(statement) {
      const plan = await database.primary.pool.query<{ 'QUERY PLAN': string }>(
        `explain analyze ${statement.text}`,
        statement.values as unknown[],
      );
      const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
      given = Number(/by_place on [^\n]*actual [^\n]*rows=(\d+)/.exec(text)?.[1]);
      return database.primary.query(statement);
    },
  };
  expect((await nearbyItemLocations(explained, { ...near, areaCode: 'mountain' })).rows).toHaveLength(20);
  expect(given).toBeGreaterThanOrEqual(1_020);
  expect(given).toBeLessThan(1_100);
});

test('every read finds its things by one index of each table and joins none', async () => {
  const near = { areaCode: 'area-3', point: [1, 2, 3] as [number, number, number], maxDistance: 5, limit: 1000 };
  const thing = randomUUID();
  const by = (listing: string) => `game_item_locations_by_${listing}`;
  const texts = ['item_names', 'locations', 'player_names'];
  expect.soft(await reads(database, (node) => findItemLocation(node, thing))).toEqual(['game_item_locations_pkey']);
  expect
    .soft(await reads(database, (node) => findItemLocations(node, [thing, randomUUID()])))
    .toEqual(['game_item_locations_pkey']);
  expect.soft(await reads(database, (node) => nearbyItemLocations(node, near))).toEqual([by('place')]);
  expect
    .soft(await reads(database, (node) => searchItemLocations(node, { text: 'blade', limit: 100, similarMs: 20_000 })))
    .toEqual([by('item'), by('location'), by('owner'), ...texts.map((table) => `${table}_by_text`)]);
  expect
    .soft(await reads(database, (node) => searchItemLocations(node, { text: 'zlade', limit: 100, similarMs: 20_000 })))
    .toEqual(expect.arrayContaining([by('item'), ...texts.flatMap((t) => [`${t}_by_text`, `${t}_by_trigrams`])]));
  expect
    .soft(await reads(database, (node) => playerItemLocations(node, owner)))
    .toEqual([by('owner'), 'player_versions_pkey']);
});
