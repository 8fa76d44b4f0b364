import { randomUUID } from 'node:crypto';

export type Hero = { playerId: string; name: string };

/** Who and what an evening is about. The ids are new each time, so that evenings do not meet. */
export type Cast = {
  area: string;
  mode: string;
  ada: Hero;
  brin: Hero;
  cyrus: Hero;
  square: { locationId: string; name: string };
  vault: { locationId: string; name: string };
  sword: CastItem;
  arrows: CastItem;
};

export type CastItem = { itemId: string; name: string; kind: string; maxStack: bigint };

/** The catalog's entries are the same each evening: creating them again is one creation. */
export function createCast(): Cast {
  return {
    area: `demo-${randomUUID().slice(0, 8)}`,
    mode: 'battle_royale',
    ada: { playerId: randomUUID(), name: 'Ada' },
    brin: { playerId: randomUUID(), name: 'Brin' },
    cyrus: { playerId: randomUUID(), name: 'Cyrus' },
    square: { locationId: randomUUID(), name: 'Market square' },
    vault: { locationId: randomUUID(), name: "Brin's vault" },
    sword: { itemId: 'demo-moonlit-sword', name: 'Moonlit sword', kind: 'weapon', maxStack: 1n },
    arrows: { itemId: 'demo-ash-arrow', name: 'Ash arrow', kind: 'ammunition', maxStack: 64n },
  };
}
