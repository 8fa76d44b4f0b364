import type { Random } from '../../tools/seed/random.ts';
import { credit, debit, grant, type Operation, pay } from '../e2e/operations.ts';
import { MAX_STACK } from './model.ts';

/** Where a thing was seen last, which may be long ago. */
export type Sighting = { gameItemId: string; owner: string };

/** One to four operations of any kind on random ones of the players. Some will be refused. */
export function randomOperations(random: Random, players: string[], sightings: Sighting[]): Operation[] {
  return Array.from({ length: random.between(1, 4) }, (): Operation => {
    const playerId = random.pick(players);
    const toPlayerId = random.pick(players.filter((player) => player !== playerId));
    const amount = BigInt(random.between(1, 4));
    const itemId = random.pick(Object.keys(MAX_STACK));
    const seen = sightings.length > 0 ? random.pick(sightings) : undefined;
    const kind = random.between(0, seen ? 8 : 5);
    if (kind <= 1) return credit(playerId, amount * 5n);
    if (kind === 2) return debit(playerId, amount);
    if (kind === 3) return pay(playerId, toPlayerId, amount);
    if (kind === 4) return grant(playerId, itemId, amount * 2n);
    if (kind === 5) return { playerId, operation: { case: 'consumeItem', value: { itemId, quantity: amount } } };
    const { gameItemId, owner } = seen!;
    const quantity = BigInt(random.pick([1, 1, 1, 2, 5]));
    if (kind === 6) return { playerId: owner, operation: { case: 'consumeItem', value: { gameItemId, quantity } } };
    const receiver = random.pick(players.filter((player) => player !== owner));
    return {
      playerId: owner,
      operation: { case: 'transferItem', value: { toPlayerId: receiver, gameItemId, quantity } },
    };
  });
}
