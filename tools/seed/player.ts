import type { CatalogItem } from './catalog.ts';
import { randomUuid, timeUuid } from './ids.ts';
import { makeEvents, moment, type SeededEvent } from './play.ts';
import { createRandom } from './random.ts';
import type { Place, World } from './world.ts';

/** A thing that a seeded player holds. `version` is 2 when some of the stack was used since. */
export type SeededItem = {
  gameItemId: string;
  item: CatalogItem;
  quantity: number;
  version: number;
  place: Place | undefined;
  position: { x: number; y: number; z: number };
  at: Date;
};

/** A line of the ledger: about a currency or about a thing. */
export type SeededEntry =
  | { currency: string; amount: number }
  | { item: CatalogItem; gameItemId: string; quantity: number };

export type SeededTransaction = { transactionId: string; at: Date; entries: SeededEntry[] };

/** Everything that is seeded about one player. Its version is 1 and one for each transaction. */
export type SeededPlayer = {
  playerId: string;
  displayName: string;
  createdAt: Date;
  balances: { currency: string; amount: number }[];
  items: SeededItem[];
  transactions: SeededTransaction[];
  events: SeededEvent[];
};

/** What players are made from. `since` and `until` bound every time in what they did. */
export type Makings = { seed: number; catalog: CatalogItem[]; world: World; since: Date; until: Date };

const first = ['Amber', 'Bold', 'Cunning', 'Drifting', 'Eager', 'Fabled', 'Grim', 'Hasty', 'Iron', 'Jolly', 'Keen'];
const last = ['Badger', 'Comet', 'Drake', 'Ember', 'Falcon', 'Golem', 'Heron', 'Jackal', 'Kraken', 'Lynx', 'Raven'];

// Ids of things grow with the time of their grant. They start from a fixed moment, not from the time of the run, so
// that a run that is repeated names the same things.
const firstGrant = Date.UTC(2024, 0, 1);

/**
 * Player number `index` (from 0) of a seed: always the same but for its times, which follow the time of the run. The
 * ledger sums to the balances and to the things held.
 */
export function makePlayer({ seed, catalog, world, since, until }: Makings, index: number): SeededPlayer {
  const random = createRandom(seed, index, 0x706c6179, 0x65727321);
  const playerId = randomUuid(random);
  const displayName = `${random.pick(first)} ${random.pick(last)} ${index + 1}`;
  const steps: SeededEntry[][] = [];
  const items: SeededItem[] = [];

  const gold = random.between(200, 5_000);
  const gems = random.between(1, 50);
  steps.push([
    { currency: 'gold', amount: gold },
    { currency: 'gems', amount: gems },
  ]);
  const count = random.between(3, 7);
  for (let sequence = 0; sequence < count; sequence += 1) {
    const item = random.pick(catalog);
    const granted = random.between(1, item.maxStack);
    const gameItemId = timeUuid(firstGrant + index, sequence, random);
    const used = granted > 1 && random.next() < 0.4 ? random.between(1, granted - 1) : 0;
    steps.push([{ item, gameItemId, quantity: granted }]);
    if (used > 0) {
      steps.push([{ item, gameItemId, quantity: -used }]);
    }
    const place = random.next() < 0.9 ? random.pick(world.places) : undefined;
    const axis = () => (place === undefined ? 0 : random.between(-5_000, 5_000) / 10);
    const position = { x: axis(), y: axis(), z: axis() };
    items.push({ gameItemId, item, quantity: granted - used, version: used > 0 ? 2 : 1, place, position, at: until });
  }
  let spent = 0;
  for (let debit = random.between(1, 3); debit > 0; debit -= 1) {
    const amount = random.between(1, Math.floor(gold / 4));
    spent += amount;
    steps.push([{ currency: 'gold', amount: -amount }]);
  }

  const createdAt = moment(since, until, random.next() * 0.5);
  const transactions = steps.map((entries, step) => ({
    transactionId: randomUuid(random),
    at: moment(createdAt, until, (step + random.next()) / steps.length),
    entries,
  }));
  for (const { at, entries } of transactions) {
    for (const entry of entries) {
      if ('gameItemId' in entry && entry.quantity > 0) {
        items.find((item) => item.gameItemId === entry.gameItemId)!.at = at;
      }
    }
  }
  return {
    playerId,
    displayName,
    createdAt,
    balances: [
      { currency: 'gems', amount: gems },
      { currency: 'gold', amount: gold - spent },
    ],
    items,
    transactions,
    events: makeEvents(random, world, until),
  };
}
