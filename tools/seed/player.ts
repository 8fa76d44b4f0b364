import type { CatalogItem } from './catalog.ts';
import { randomUuid, timeUuid } from './ids.ts';
import { moment } from './moment.ts';
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
};

/** What players are made from. `since` and `until` bound every time in what they did. */
export type Makings = { seed: number; catalog: CatalogItem[]; world: World; since: Date; until: Date };

const first = ['Amber', 'Bold', 'Cunning', 'Drifting', 'Eager', 'Fabled', 'Grim', 'Hasty', 'Iron', 'Jolly', 'Keen'];
const last = ['Badger', 'Comet', 'Drake', 'Ember', 'Falcon', 'Golem', 'Heron', 'Jackal', 'Kraken', 'Lynx', 'Raven'];

// Ids of things grow with the time of their grant. They start from a fixed moment, not from the time of the run, so
// that a run that is repeated names the same things.
const firstGrant = Date.UTC(2024, 0, 1);

/** The id of player number `index` (from 0) of a seed. */
export function playerIdOf(seed: number, index: number): string {
  return randomUuid(createRandom(seed, index, 0x706c6179, 0x65726964));
}

/**
 * Player number `index` of a seed: always the same but for its times, which follow the time of the run. The ledger
 * sums to the balances and to the things held: a starter pack, a reward, what was used up, what was spent.
 */
export function makePlayer({ seed, catalog, world, since, until }: Makings, index: number): SeededPlayer {
  const random = createRandom(seed, index, 0x706c6179, 0x65727321);
  const gold = random.between(200, 5_000);
  const gems = random.between(1, 50);
  const starter: SeededEntry[] = [
    { currency: 'gold', amount: gold },
    { currency: 'gems', amount: gems },
  ];
  const reward: SeededEntry[] = [];
  const used: SeededEntry[] = [];
  const createdAt = moment(since, until, random.next() * 0.5);
  const [startedAt, rewardedAt] = [moment(createdAt, until, 0.1), moment(createdAt, until, 0.2 + random.next() * 0.2)];

  const items: SeededItem[] = [];
  const count = random.between(3, 7);
  for (let sequence = 0; sequence < count; sequence += 1) {
    const item = random.pick(catalog);
    const granted = random.between(1, item.maxStack);
    const gameItemId = timeUuid(firstGrant + index, sequence, random);
    const isStarter = sequence < 3;
    (isStarter ? starter : reward).push({ item, gameItemId, quantity: granted });
    const gone = granted > 1 && random.next() < 0.5 ? random.between(1, granted - 1) : 0;
    if (gone > 0) {
      used.push({ item, gameItemId, quantity: -gone });
    }
    const place = random.next() < 0.9 ? random.pick(world.places) : undefined;
    const axis = () => (place === undefined ? 0 : random.between(-5_000, 5_000) / 10);
    items.push({
      gameItemId,
      item,
      quantity: granted - gone,
      version: gone > 0 ? 2 : 1,
      place,
      position: { x: axis(), y: axis(), z: axis() },
      at: isStarter ? startedAt : rewardedAt,
    });
  }
  const spendings = Array.from({ length: random.between(2, 4) }, () => random.between(1, Math.floor(gold / 4)));
  const later = [used, ...spendings.map((amount) => [{ currency: 'gold', amount: -amount }])];
  const steps = [
    { at: startedAt, entries: starter },
    { at: rewardedAt, entries: reward },
    ...later.map((entries, step) => ({
      at: moment(createdAt, until, 0.5 + (0.5 * (step + random.next())) / later.length),
      entries,
    })),
  ];
  return {
    playerId: playerIdOf(seed, index),
    displayName: `${random.pick(first)} ${random.pick(last)} ${index + 1}`,
    createdAt,
    balances: [
      { currency: 'gems', amount: gems },
      { currency: 'gold', amount: gold - spendings.reduce((sum, amount) => sum + amount, 0) },
    ],
    items,
    transactions: steps
      .filter(({ entries }) => entries.length > 0)
      .map(({ at, entries }) => ({ transactionId: randomUuid(random), at, entries })),
  };
}
