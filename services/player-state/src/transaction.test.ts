import { randomUUID } from 'node:crypto';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import {
  type ApplyTransactionResponse,
  PlayerStateService,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { consume, credit, debit, give, grant, type Operation, pay, transaction } from '../test/operations.ts';

const LIMIT = 12;
const MAX_STACK = { sword: 1, arrow: 5 };
type ItemId = keyof typeof MAX_STACK;
type Stack = { id: string; itemId: ItemId; quantity: number };
type Model = { gold: number | undefined; stacks: Stack[]; version: number }[];

/** An operation before it is known which things there will be: `thing` counts through those that the player has. */
type Step =
  | { kind: 'credit' | 'debit' | 'pay'; who: number; to: number; amount: number }
  | { kind: 'grant' | 'consumeOldest'; who: number; itemId: ItemId; amount: number }
  | { kind: 'consumeThis' | 'give'; who: number; to: number; thing: number; amount: number };

let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;

function open() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp({ INVENTORY_LIMIT: `${LIMIT}` });
  game = await open();
  const catalog = await app.as(ItemCatalogService, 'admin');
  for (const [itemId, max] of Object.entries(MAX_STACK)) {
    await catalog.createItem({ itemId, name: itemId, kind: 'thing', maxStack: BigInt(max) });
  }
});
afterAll(() => app.close());

/** What the steps do to the model, which is changed, and the operations they are; or the reason of the first refusal. */
function play(
  model: Model,
  players: string[],
  steps: Step[],
): { operations: Operation[]; refusal: string | undefined } {
  const operations: Operation[] = [];
  let refusal: string | undefined;
  let fresh = 0;
  const touched = new Set<number>();
  const add = (to: number, itemId: ItemId, quantity: number) => {
    model[to]!.stacks.push({ id: `new ${fresh++}`, itemId, quantity });
  };
  const take = (who: number, stack: Stack, amount: number) => {
    stack.quantity -= amount;
    if (stack.quantity === 0) model[who]!.stacks = model[who]!.stacks.filter((each) => each !== stack);
  };
  for (const step of steps) {
    const { who, amount } = step;
    const me = model[who]!;
    const id = players[who]!;
    touched.add(who);
    const count = BigInt(amount);
    let reason: string | undefined;
    if (step.kind === 'credit' || step.kind === 'debit' || step.kind === 'pay') {
      const to = players[step.to]!;
      operations.push(
        step.kind === 'credit' ? credit(id, count) : step.kind === 'debit' ? debit(id, count) : pay(id, to, count),
      );
      if (step.kind !== 'credit' && (me.gold ?? 0) < amount) reason = 'INSUFFICIENT_BALANCE';
      else {
        if (step.kind !== 'credit') me.gold = me.gold! - amount;
        if (step.kind === 'pay') touched.add(step.to);
        const receiver = step.kind === 'pay' ? model[step.to]! : me;
        if (step.kind !== 'debit') receiver.gold = (receiver.gold ?? 0) + amount;
      }
    } else if (step.kind === 'grant') {
      operations.push(grant(id, step.itemId, count));
      const max = MAX_STACK[step.itemId];
      if (me.stacks.length + Math.ceil(amount / max) > LIMIT) reason = 'INVENTORY_FULL';
      else for (let left = amount; left > 0; left -= max) add(who, step.itemId, Math.min(left, max));
    } else if (step.kind === 'consumeOldest') {
      operations.push(consume(id, { itemId: step.itemId }, count));
      const stacks = me.stacks.filter(({ itemId }) => itemId === step.itemId);
      if (stacks.reduce((sum, { quantity }) => sum + quantity, 0) < amount) reason = 'INSUFFICIENT_ITEMS';
      else {
        let left = amount;
        for (const stack of stacks) {
          const part = Math.min(left, stack.quantity);
          left -= part;
          if (part > 0) take(who, stack, part);
        }
      }
    } else if ('thing' in step) {
      // Only things that exist outside the transaction can be named.
      const known = me.stacks.filter((stack) => !stack.id.startsWith('new'));
      const stack = known[step.thing % Math.max(1, known.length)];
      const thing = stack?.id ?? randomUUID();
      operations.push(
        step.kind === 'give' ? give(id, players[step.to]!, thing, count) : consume(id, { gameItemId: thing }, count),
      );
      if (step.kind === 'give') touched.add(step.to);
      if (!stack || stack.quantity < amount) reason = 'INSUFFICIENT_ITEMS';
      else if (step.kind === 'give') {
        const whole = stack.quantity === amount;
        take(who, stack, amount);
        if (model[step.to]!.stacks.length >= LIMIT) reason = 'INVENTORY_FULL';
        else if (whole) model[step.to]!.stacks.push({ ...stack, quantity: amount });
        else add(step.to, stack.itemId, amount);
        model[step.to]!.stacks.sort(byAge);
      } else take(who, stack, amount);
    }
    refusal ??= reason;
  }
  for (const who of touched) model[who]!.version += 1;
  return { operations, refusal };
}

/** Ids grow with time; those of the running transaction come last, in their order. */
function byAge({ id: one }: Stack, { id: other }: Stack): number {
  const key = (id: string) => (id.startsWith('new') ? `z${id.slice(4).padStart(6, '0')}` : id);
  return key(one) < key(other) ? -1 : 1;
}

/** Gives the things that the transaction made their ids: its entries name them in the order in which they were made. */
function nameNewThings(model: Model, answer: ApplyTransactionResponse, known: Set<string>): void {
  const made = answer.transaction!.entries.filter(
    ({ gameItemId, quantity }) => quantity > 0n && !known.has(gameItemId),
  );
  const ids = [...new Set(made.map(({ gameItemId }) => gameItemId))];
  for (const { stacks } of model) {
    for (const stack of stacks) if (stack.id.startsWith('new')) stack.id = ids[Number(stack.id.slice(4))]!;
    stacks.sort(byAge);
  }
}

const who = fc.nat(2);
const pair = fc.tuple(who, fc.integer({ min: 1, max: 2 })).map(([from, by]) => ({ who: from, to: (from + by) % 3 }));
// Mostly what there is enough of, so that most transactions are applied.
const amount = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) },
);
const itemId = fc.constantFrom<ItemId>('sword', 'arrow');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('credit' as const, 'debit' as const, 'pay' as const), pair, amount }).map(flat),
  fc.record({ kind: fc.constantFrom('grant' as const, 'consumeOldest' as const), who, itemId, amount }),
  fc
    .record({
      kind: fc.constantFrom('consumeThis' as const, 'give' as const),
      pair,
      thing: fc.nat(20),
      amount: fc.constantFrom(1, 1, 1, 2, 5),
    })
    .map(flat),
);

function flat<T extends { pair: { who: number; to: number } }>({ pair: { who: from, to }, ...rest }: T) {
  return { ...rest, who: from, to };
}

/** What everyone begins with. */
const STOCK: Step[] = [0, 1, 2].flatMap((player): Step[] => [
  { kind: 'credit', who: player, to: player, amount: 30 },
  { kind: 'grant', who: player, itemId: 'arrow', amount: 18 },
  { kind: 'grant', who: player, itemId: 'sword', amount: 2 },
]);

test('any series of transactions leaves what a model of the rules says', async () => {
  let applied = 0;
  const series = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 15, size: 'max' });
  await fc.assert(
    fc.asyncProperty(series, async (transactions) => {
      const players = [randomUUID(), randomUUID(), randomUUID()];
      await Promise.all(players.map((playerId) => game.createPlayer({ playerId, displayName: 'Ada' })));
      let model: Model = players.map(() => ({ gold: undefined, stacks: [], version: 1 }));
      for (const steps of [STOCK, ...transactions]) {
        const next = structuredClone(model);
        const { operations, refusal } = play(next, players, steps);
        const answer = await game.applyTransaction(transaction(...operations)).catch((fault: RpcError) => fault);
        if (answer instanceof RpcError) {
          expect(answer.reason).toBe(refusal);
          continue;
        }
        expect(refusal).toBeUndefined();
        nameNewThings(next, answer, new Set(model.flatMap(({ stacks }) => stacks.map(({ id }) => id))));
        model = next;
        applied += 1;
      }
      for (const [index, playerId] of players.entries()) {
        const { gold, stacks, version } = model[index]!;
        const { state } = await game.getPlayerState({ playerId, minVersion: BigInt(version) });
        expect(state!.version).toBe(BigInt(version));
        expect(state!.balances.map((balance) => Number(balance.amount))).toEqual(gold === undefined ? [] : [gold]);
        const things = state!.items.map((item) => ({
          id: item.gameItemId,
          itemId: item.itemId,
          quantity: Number(item.quantity),
        }));
        expect(things).toEqual(stacks);
      }
    }),
    { numRuns: 40, seed: 20_261_122, endOnFailure: true },
  );
  expect(applied).toBeGreaterThan(150);
  // And the data agree with each other: balances and things with the ledger, counts with the things.
  const broken = await app.rows(`
    select 'balance' as what from balances b join (select player_id, currency, sum(amount) as sum from transaction_entries
        where currency is not null group by 1, 2) e using (player_id, currency) where e.sum <> b.amount
    union all
    select 'things' from (select owner_id as player_id, item_id, sum(quantity) as held from game_items group by 1, 2) h
      full join (select player_id, item_id, sum(quantity) as sum from transaction_entries
        where item_id is not null group by 1, 2) e using (player_id, item_id) where coalesce(h.held, 0) <> coalesce(e.sum, 0)
    union all
    select 'count' from players p
      where item_count <> (select count(*) from game_items g where g.owner_id = p.player_id)`);
  expect(broken).toEqual([]);
});
