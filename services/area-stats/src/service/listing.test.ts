import { randomUUID } from 'node:crypto';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.ts';
import { createRepository, type Repository } from '../repository.ts';
import { createListing } from './listing.ts';

const LIMITS = { maxLatenessSeconds: 604_800, maxSkewSeconds: 300, leaseSeconds: 86_400 };

let database: TestDatabase;
let repository: Repository;

beforeAll(async () => {
  database = await openTestDatabase({ connections: 20 });
  repository = createRepository(database);
});
afterAll(() => database.close());

function event(areaCode: string, fields: { multiplayerMode?: string; userId?: string; eventName?: string } = {}) {
  const eventId = randomUUID();
  return {
    eventId,
    areaCode,
    multiplayerMode: 'duel',
    userId: eventId,
    eventName: 'LOGIN',
    eventTime: null,
    ...fields,
  };
}

function listing(key = 'ab') {
  return createListing({ postgres: database.postgres, pageTokens: createPageTokens({ key: key.repeat(32) }) });
}

async function fold(): Promise<void> {
  while ((await repository.foldAreaChanges(1_000)) > 0);
}

/** What is wrong in one snapshot: areas whose total and changes together are not the sum of their counts. */
const WRONG_TOTALS = `
  select area_code, counts.sum, total.sum from
    (select area_code, sum(current_count) from area_mode_events_agg group by area_code) as counts
  full join (
    select area_code, sum(count) from (
      select area_code, current_count as count from areas union all select area_code, delta from area_changes
    ) as part group by area_code
  ) as total using (area_code)
  where coalesce(counts.sum, 0) <> coalesce(total.sum, 0)`;

test('in every snapshot the totals and what is not added up yet are the sum of the counts, whatever is written at once', async () => {
  const modes = ['duel', 'raid', 'royale'];
  let writing = true;
  const writer = async (turn: number) => {
    for (let round = 0; round < 12; round += 1) {
      const events = Array.from({ length: 60 }, (_, index) =>
        event(`storm ${(index * (turn + 3)) % 7}`, {
          multiplayerMode: modes[(index + turn) % 3]!,
          userId: `u${(index * 13 + round) % 20}`,
          eventName: (index + round + turn) % 2 === 0 ? 'LOGIN' : 'LOGOUT',
        }),
      );
      await repository.recordEvents(events, LIMITS);
    }
  };
  const folder = async () => {
    // Few at a time, so that the changes of one recording are added up in parts.
    while (writing) await repository.foldAreaChanges(5);
  };
  const watcher = async () => {
    while (writing) expect(await database.rows(WRONG_TOTALS)).toEqual([]);
  };
  const beside = [folder(), folder(), watcher()];
  await Promise.all(Array.from({ length: 6 }, (_, turn) => writer(turn)));
  writing = false;
  await Promise.all(beside);
  await fold();
  expect(await database.rows(WRONG_TOTALS)).toEqual([]);
  expect(await database.rows('select from area_changes')).toEqual([]);
});

test('areas are listed by count, ties by the bytes of their names, in pages that hold each once, and empty ones are left out', async () => {
  await database.asOwner('truncate area_mode_events_agg, areas, area_changes');
  const counts: [string, number][] = [
    ['a', 2],
    ['B', 2],
    ['あ', 2],
    ['c', 5],
    ['e', 1],
    ['d', 1],
    ['f', 1],
  ];
  await repository.recordEvents(
    counts.flatMap(([area, count]) => Array.from({ length: count }, () => event(area))),
    LIMITS,
  );
  await repository.recordEvents([event('gone', { userId: 'ada' })], LIMITS);
  await repository.recordEvents([event('gone', { userId: 'ada', eventName: 'LOGOUT' })], LIMITS);
  await fold();
  const expected = ['c 5', 'B 2', 'a 2', 'あ 2', 'd 1', 'e 1', 'f 1'];
  for (const pageSize of [1, 2, 3, 7, 1_000]) {
    const seen: string[] = [];
    let token = '';
    do {
      const { page, nextPageToken } = await listing().listAreas(pageSize, token);
      expect(page.length).toBe(Math.min(pageSize, expected.length - seen.length));
      seen.push(...page.map(({ areaCode, count }) => `${areaCode} ${count}`));
      token = nextPageToken;
    } while (token !== '');
    expect(seen).toEqual(expected);
  }
});

test('a page token that is broken or of another key is refused', async () => {
  await repository.recordEvents([event('x'), event('y')], LIMITS);
  await fold();
  const { nextPageToken } = await listing('cd').listAreas(1, '');
  expect(nextPageToken).not.toBe('');
  for (const token of ['x', nextPageToken]) {
    await expect(listing('ab').listAreas(1, token)).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  }
});

test('a page of a long listing is read from the index alone, also where a million areas have the same count', async () => {
  await database.asOwner(`
    truncate areas;
    insert into areas select 'tie ' || n, 1 from generate_series(1, 20000) n;
    analyze areas`);
  const explained = await database.rows<{ 'QUERY PLAN': string }>(`
    explain (analyze, buffers off, timing off, costs off, summary off)
    select area_code from areas
    where current_count > 0 and (-current_count, area_code) > (-1, 'tie 5')
    order by -current_count, area_code limit 21`);
  const plan = explained.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('areas_most_played');
  expect(plan).not.toMatch(/Rows Removed|Sort/);
});
