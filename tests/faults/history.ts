import type { ApplyTransactionResponse } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { Operation } from '../e2e/operations.ts';
import { createModel, type Model, play } from './model.ts';

/** An acknowledged transaction as its caller saw it. The moments are counted, not measured. */
export type Done = { operations: Operation[]; answer: ApplyTransactionResponse; sent: number; answered: number };

/**
 * Plays transactions that ran at once one after the other, in an order that agrees with every version answered, and
 * checks each answer against the rules. Throws when there is no such order, or when one that was answered before another
 * was sent comes behind it. Answers what is left, and each player's transactions in order.
 */
export function replay(players: string[], history: Done[]): { model: Model; order: Map<string, Done[]> } {
  const model = createModel(players);
  const order = new Map<string, Done[]>(players.map((player) => [player, []]));
  const at = new Map<string, Done>();
  for (const done of history) {
    for (const { playerId, version } of done.answer.states) {
      const place = `${playerId} ${version}`;
      if (at.has(place)) throw new Error(`two transactions answered version ${version} of ${playerId}`);
      at.set(place, done);
    }
  }
  const nextOf = (player: string) => at.get(`${player} ${model.get(player)!.version + 1n}`);
  const isNext = (done: Done) =>
    done.answer.states.every(({ playerId, version }) => model.get(playerId)!.version + 1n === version);

  for (let played = 0; played < history.length; played += 1) {
    const next = players.map(nextOf).find((done) => done !== undefined && isNext(done));
    if (!next) throw new Error(`${history.length - played} transactions have no order that agrees with their versions`);
    play(model, next.operations, next.answer);
    expectAnswer(model, next.answer);
    for (const { playerId } of next.answer.states) {
      const later = order.get(playerId)!.find(({ sent }) => sent > next.answered);
      if (later)
        throw new Error(`${playerId} had a later transaction before ${next.answer.transaction!.transactionId}`);
      order.get(playerId)!.push(next);
    }
  }
  return { model, order };
}

/** Throws when the answer does not say what the rules left. */
function expectAnswer(model: Model, { transaction, states }: ApplyTransactionResponse): void {
  for (const { playerId, version, balances, items } of states) {
    const { gold, stacks, version: expected } = model.get(playerId)!;
    const faults = [
      version !== expected && `version ${version}, not ${expected}`,
      ...balances.map(({ amount }) => amount !== gold && `balance ${amount}, not ${gold}`),
      ...items.map(({ gameItemId, quantity, version: itemVersion }) => {
        const stack = stacks.get(gameItemId);
        if (quantity !== (stack?.quantity ?? 0n)) return `${gameItemId}: ${quantity}, not ${stack?.quantity ?? 0n}`;
        return stack && itemVersion !== stack.version && `${gameItemId}: version ${itemVersion}, not ${stack.version}`;
      }),
    ].filter((fault) => fault);
    if (faults.length > 0) throw new Error(`${transaction!.transactionId} of ${playerId}: ${faults.join('; ')}`);
  }
}
