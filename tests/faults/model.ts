import type { ApplyTransactionResponse } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { Operation } from '../e2e/operations.ts';

/** How many of a catalog item make one game item at most. */
export const MAX_STACK: Record<string, bigint> = { sword: 1n, arrow: 5n };

type Stack = { itemId: string; quantity: bigint; version: bigint };
/** What one player has, by the rules alone. */
export type Pockets = { version: bigint; gold: bigint | undefined; stacks: Map<string, Stack> };
export type Model = Map<string, Pockets>;

/** Players with version 1 and nothing. */
export function createModel(players: string[]): Model {
  return new Map(players.map((player) => [player, { version: 1n, gold: undefined, stacks: new Map() }]));
}

/**
 * Does to the model what the operations say. Ids of new things are the answer's choice; all else is the rules'.
 * Throws when the rules refuse the transaction.
 */
export function play(model: Model, operations: Operation[], answer: ApplyTransactionResponse): void {
  const of = (player: string | undefined) => model.get(player!)!;
  const touched = new Set<string>();
  for (const [index, { playerId, operation }] of operations.entries()) {
    const { case: kind, value } = operation!;
    const made = answer.transaction!.entries.filter((entry) => entry.operationIndex === index && entry.quantity > 0n);
    const me = of(playerId);
    touched.add(playerId!);
    if (kind === 'credit') me.gold = (me.gold ?? 0n) + value!.amount!;
    if (kind === 'debit') takeGold(me, value!.amount!);
    if (kind === 'transferCurrency') {
      takeGold(me, value!.amount!);
      const receiver = of(value!.toPlayerId);
      receiver.gold = (receiver.gold ?? 0n) + value!.amount!;
      touched.add(value!.toPlayerId!);
    }
    if (kind === 'grantItem') {
      let left = value!.quantity!;
      for (const { gameItemId } of made) {
        const quantity = least(left, MAX_STACK[value!.itemId!]!);
        addStack(model, me, gameItemId, { itemId: value!.itemId!, quantity, version: 1n });
        left -= quantity;
      }
      if (left !== 0n) throw new Error(`${left} granted things are missing`);
    }
    if (kind === 'consumeItem') {
      let left = value!.quantity!;
      const named = value!.gameItemId ? [value!.gameItemId] : [...me.stacks.keys()].sort();
      for (const id of named) {
        const stack = me.stacks.get(id);
        if (!stack || left === 0n || (value!.itemId && stack.itemId !== value!.itemId)) continue;
        const part = least(stack.quantity, left);
        takeStack(me, id, part);
        left -= part;
      }
      if (left > 0n) throw new Error('fewer things than are consumed');
    }
    if (kind === 'transferItem') {
      const { toPlayerId, gameItemId, quantity } = value!;
      const stack = me.stacks.get(gameItemId!);
      if (!stack || stack.quantity < quantity!) throw new Error('fewer things than are given away');
      const whole = stack.quantity === quantity;
      takeStack(me, gameItemId!, quantity!);
      if (whole) of(toPlayerId).stacks.set(gameItemId!, { ...stack, quantity: quantity!, version: stack.version });
      else
        addStack(model, of(toPlayerId), made[0]!.gameItemId, {
          itemId: stack.itemId,
          quantity: quantity!,
          version: 1n,
        });
      touched.add(toPlayerId!);
    }
  }
  for (const player of touched) of(player).version += 1n;
}

function least(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

function takeGold(me: Pockets, amount: bigint): void {
  if ((me.gold ?? 0n) < amount) throw new Error('less gold than is taken');
  me.gold = me.gold! - amount;
}

function takeStack(me: Pockets, id: string, amount: bigint): void {
  const stack = me.stacks.get(id)!;
  stack.quantity -= amount;
  stack.version += 1n;
  if (stack.quantity === 0n) me.stacks.delete(id);
}

function addStack(model: Model, to: Pockets, id: string, stack: Stack): void {
  for (const { stacks } of model.values()) if (stacks.has(id)) throw new Error(`the thing ${id} was made twice`);
  to.stacks.set(id, stack);
}
