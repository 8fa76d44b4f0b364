import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { createPageTokens } from '@realmkeep/kit/paging/page-token';
import { ListItemLocationsResponseSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../test/database.ts';
import { batch, gameItemEvent } from '../test/events.ts';
import { createUncachedService } from '../test/uncached.ts';
import { toStep } from './follow-step.ts';
import { type FilterKind, type Listing, queryOf, toCursor } from './listing.ts';
import { applyStep, beginFollowing } from './repository/following.ts';
import { createLocations, type Locations } from './service/locations.ts';
import type { Service } from './service.ts';

/** How many walks, in thirties: one among all tests, more by `npm run test:faults`. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1);
const server = { subject: 'game-1', role: 'SERVER' } as const;
const [ada, bob, mill, tower] = Array.from({ length: 4 }, () => randomUUID()) as [string, string, string, string];
let database: Awaited<ReturnType<typeof openTestDatabase>>;
let service: Service;
let locations: Locations;
let epoch: bigint;
let number: bigint;

beforeAll(async () => {
  database = await openTestDatabase();
  const onPrimary = { read: run, write: run };
  const pageTokens = createPageTokens({ key: 'ab'.repeat(32) });
  service = createUncachedService({ postgres: onPrimary, pageTokens });
  locations = createLocations({ postgres: onPrimary, pageTokens });
  await locations.createLocation({ locationId: mill, name: 'Old mill', areaCode: '111' });
  await locations.createLocation({ locationId: tower, name: 'Tower', areaCode: '112' });
  ({ epoch, step: number } = await beginFollowing(database.primary));
});
afterAll(() => database.close());

function run<T>(work: (node: typeof database.primary) => Promise<T>): Promise<T> {
  return work(database.primary);
}

async function follow(events: Parameters<typeof batch>[1]): Promise<void> {
  number += 1n;
  await applyStep(database.primary, { epoch, number, step: toStep(batch(number, events)) });
}

function listing(by: FilterKind, value: string, pageSize: number): Listing {
  return { by, value, pageSize };
}

async function pageOf(of: Listing, token: string) {
  const { bytes, source } = await service.listItemLocations(server, of, token);
  const { itemLocations, nextPageToken, previousPageToken } = fromBinary(ListItemLocationsResponseSchema, bytes);
  return { rows: itemLocations, nextPageToken, previousPageToken, source };
}

/** Walks to the end and back to the beginning, and answers the ids that were seen on each way. */
async function walk(by: FilterKind, value: string, pageSizes: number[]): Promise<{ there: string[]; back: string[] }> {
  const there: string[] = [];
  const back: string[] = [];
  let turn = 0;
  const page = (token: string) => pageOf(listing(by, value, pageSizes[turn++ % pageSizes.length]!), token);
  const ids = (rows: { gameItemId: string }[]) => rows.map((row) => row.gameItemId);
  let at = await page('');
  there.push(...ids(at.rows));
  while (at.nextPageToken) {
    at = await page(at.nextPageToken);
    there.push(...ids(at.rows));
  }
  back.push(...ids(at.rows));
  while (at.previousPageToken) {
    at = await page(at.previousPageToken);
    back.unshift(...ids(at.rows));
  }
  return { there, back };
}

/** Grants, gives away, consumes and moves things other than the lasting ones, until it is told to end. */
async function churn(lasting: string[], itemId: string, going: () => boolean): Promise<void> {
  for (let round = 0; going(); round += 1) {
    const ids = Array.from({ length: 10 }, () => randomUUID());
    await follow(ids.map((gameItemId) => gameItemEvent({ gameItemId, ownerId: ada, itemId })));
    const moves = [...lasting.slice(0, 20), ...ids].map((gameItemId) => ({
      gameItemId,
      locationId: round % 2 ? mill : tower,
      x: round,
      y: 0,
      z: 0,
      expectedVersion: 0n,
    }));
    await service.moveItems(server, randomUUID(), moves);
    const leaves = (gameItemId: string, index: number) =>
      index % 2
        ? gameItemEvent({ gameItemId, ownerId: ada, itemId, version: 2n, quantity: 0n })
        : gameItemEvent({ gameItemId, ownerId: bob, itemId: 'given-away', version: 2n });
    await follow(ids.map(leaves));
  }
}

test(
  'every row that exists from the first page to the last is returned exactly once, whatever happens meanwhile',
  async () => {
    const itemId = `item-${randomUUID()}`;
    const lasting = Array.from({ length: 150 }, (): string => randomUUID()).sort();
    await follow(lasting.map((gameItemId) => gameItemEvent({ gameItemId, ownerId: ada, itemId })));
    let going = true;
    const churning = churn(lasting, itemId, () => going);
    const stays = new Set(lasting);
    const check = (seen: string[]) => {
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => stays.has(id))).toEqual(lasting);
    };
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom<[FilterKind, string]>(['owner', ada], ['item', itemId]),
          fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
          async ([by, value], pageSizes) => {
            const { there, back } = await walk(by, value, pageSizes);
            check(there);
            check(back);
          },
        ),
        { numRuns: 30 * ROUNDS, seed: 7 },
      );
    } finally {
      going = false;
      await churning;
    }
  },
  60_000 * ROUNDS,
);

test('the first page has none before it, the last none after it, and an emptied page leads back', async () => {
  const owner = randomUUID();
  const ids = Array.from({ length: 5 }, () => randomUUID()).sort();
  await follow(ids.map((gameItemId) => gameItemEvent({ gameItemId, ownerId: owner })));
  const page = (token: string) => pageOf(listing('owner', owner, 3), token);
  const first = await page('');
  expect(first).toMatchObject({ rows: { length: 3 }, previousPageToken: '', source: 'primary' });
  const second = await page(first.nextPageToken);
  expect(second).toMatchObject({ rows: { length: 2 }, nextPageToken: '' });

  await follow(
    ids.slice(3).map((gameItemId) => gameItemEvent({ gameItemId, ownerId: owner, version: 2n, quantity: 0n })),
  );
  const emptied = await page(first.nextPageToken);
  expect(emptied).toMatchObject({ rows: [], nextPageToken: '' });
  const before = await page(emptied.previousPageToken);
  expect(before.rows.map((row) => row.gameItemId)).toEqual(ids.slice(0, 3));
  expect(before.previousPageToken).toBe('');
});

test('the page token of one query is refused by another, and so is one that is broken, altered or of another key', async () => {
  const itemId = `item-${randomUUID()}`;
  await follow([1, 2].map(() => gameItemEvent({ gameItemId: randomUUID(), ownerId: bob, itemId })));
  const { rows, nextPageToken } = await pageOf(listing('item', itemId, 1), '');
  const reused = (by: FilterKind, token: string) => pageOf(listing(by, by === 'item' ? itemId : bob, 1), token);
  const refused = { reason: 'PAGE_TOKEN_INVALID' };
  await expect(reused('owner', nextPageToken)).rejects.toMatchObject(refused);
  await expect(reused('item', 'broken')).rejects.toMatchObject(refused);
  await expect(locations.listLocations('', 1, nextPageToken)).rejects.toMatchObject(refused);
  const place = Math.floor(nextPageToken.length / 2);
  const altered = nextPageToken[place] === 'A' ? 'B' : 'A';
  const token = nextPageToken.slice(0, place) + altered + nextPageToken.slice(place + 1);
  await expect(reused('item', token)).rejects.toMatchObject(refused);
  const signed = {
    query: queryOf('item', itemId),
    cursor: toCursor({ direction: 'next', id: rows[0]!.gameItemId }),
    wal: { timeline: 1, lsn: '0/1' },
  };
  const of = (key: string) => reused('item', createPageTokens({ key: key.repeat(32) }).sign(signed));
  await expect(of('cd')).rejects.toMatchObject(refused);
  expect((await of('ab')).rows).toHaveLength(1);
  expect((await reused('item', nextPageToken)).rows).toHaveLength(1);
});

test('what is asked of a position that is not followed yet waits briefly, then says so', async () => {
  const signal = new AbortController().signal;
  const behind = service.getPlayerItemLocations(bob, { transaction: number + 1000n, id: 0n }, signal);
  await expect(behind).rejects.toMatchObject({ reason: 'POSITION_NOT_REACHED' });

  const waiting = service.getPlayerItemLocations(bob, { transaction: number + 1n, id: 0n }, signal);
  const gameItemId = randomUUID();
  await follow([gameItemEvent({ gameItemId, ownerId: bob })]);
  expect((await waiting).rows.map((row) => row.game_item_id)).toContain(gameItemId);
});
