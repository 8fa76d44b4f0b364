import { randomUUID } from 'node:crypto';
import type { Client } from '@realmkeep/kit/client/client';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom, type Random } from '../../tools/seed/random.ts';
import { forSure } from './for-sure.ts';
import { type Done, replay } from './history.ts';
import { MAX_STACK, type Pockets } from './model.ts';
import { randomOperations, type Sighting } from './random-operations.ts';
import { type Stage, startStage } from './stage.ts';

/** How many seeds are played: few among all tests, more by `npm run test:faults`. */
const SEEDS = Number(process.env.FAULT_ROUNDS ?? 1) * 3;
const CLIENTS = 8;
const EACH = 15;
/** How many connections break while a seed is played. */
const BREAKS = 5;

let stage: Stage;
let services: Client<typeof PlayerStateService>[];

beforeAll(async () => {
  stage = await startStage();
  const addresses = [await stage.startService(stage.urls), await stage.startService(stage.urls)];
  services = await Promise.all(addresses.map((address) => stage.connect(PlayerStateService, address)));
  const catalog = await stage.connect(ItemCatalogService, addresses[0]!, 'admin');
  for (const [itemId, maxStack] of Object.entries(MAX_STACK)) {
    await catalog.createItem({ itemId, name: itemId, kind: 'thing', maxStack });
  }
});
afterAll(() => stage?.stop());

/** Ends the session of some transaction in progress; answers how many there were, one or none. */
async function breakOne(): Promise<number> {
  const ended = await stage.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where state = 'active' and query like '%from apply_transactions(%' and pid <> pg_backend_pid() limit 1`,
  );
  return ended.length;
}

/** Throws what is no refusal by the rules: the fault that this test looks for. */
function expectRefusal(error: unknown): void {
  if (!(error instanceof RpcError) || !error.reason.startsWith('INSUFFICIENT_')) throw error;
}

/** Many clients at once, some of whose connections break, and some of which ask twice; what was acknowledged. */
async function playAtOnce(players: string[], seed: number): Promise<Done[]> {
  const history: Done[] = [];
  const sightings: Sighting[] = [];
  let moment = 0;
  const act = async (random: Random) => {
    const request = { transactionId: randomUUID(), operations: randomOperations(random, players, sightings) };
    const sent = moment++;
    const apply = () => forSure(() => random.pick(services).applyTransaction(request));
    const twice = random.next() < 0.2;
    // A refusal uses no id up, so of two tries one may be refused and the other applied.
    const tries = await Promise.allSettled(twice ? [apply(), apply()] : [apply()]);
    const [answer, again] = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const each of tries) if (each.status === 'rejected') expectRefusal(each.reason);
    if (!answer) return;
    if (again) {
      expect(answer.replayed || again.replayed).toBe(true);
      expect({ ...again, replayed: false }).toEqual({ ...answer, replayed: false });
    }
    history.push({ operations: request.operations, answer, sent, answered: moment++ });
    for (const { playerId, items } of answer.states) {
      for (const { gameItemId } of items) sightings.push({ gameItemId, owner: playerId });
    }
    sightings.splice(0, Math.max(0, sightings.length - 40));
  };
  let over = false;
  const breaking = (async () => {
    for (let broken = 0; !over && broken < BREAKS; ) broken += await breakOne();
  })();
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const random = createRandom(seed, client);
    for (let turn = 0; turn < EACH; turn += 1) await act(random);
  });
  await Promise.all(clients).finally(() => {
    over = true;
  });
  await breaking;
  return history;
}

/** What the service says that the player has, in the model's words. */
async function pocketsOf(playerId: string, minVersion: bigint): Promise<Pockets> {
  const { state } = await forSure(() => services[0]!.getPlayerState({ playerId, minVersion }));
  return {
    version: state!.version,
    gold: state!.balances[0]?.amount,
    stacks: new Map(
      state!.items.map(({ gameItemId, itemId, quantity, version }) => [gameItemId, { itemId, quantity, version }]),
    ),
  };
}

/** The ids of the player's ledger, oldest first, and what its entries of gold come to. */
async function ledgerOf(playerId: string): Promise<{ ids: string[]; gold: bigint }> {
  const ids: string[] = [];
  let gold = 0n;
  let pageToken = '';
  do {
    const page = await forSure(() => services[1]!.listTransactions({ playerId, pageSize: 7, pageToken }));
    for (const { transactionId, entries } of page.transactions) {
      ids.unshift(transactionId);
      for (const { amount } of entries) gold += amount;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return { ids, gold };
}

test('transactions of many clients at once are as if one came after the other, whatever connections break', async () => {
  let done = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const players = Array.from({ length: 4 }, () => randomUUID());
    await Promise.all(
      players.map((playerId) => forSure(() => services[0]!.createPlayer({ playerId, displayName: 'Ada' }))),
    );
    const history = await playAtOnce(players, seed);
    done += history.length;
    const { model, order } = replay(players, history);
    for (const player of players) {
      const expected = model.get(player)!;
      expect(await pocketsOf(player, expected.version), `seed ${seed}`).toEqual(expected);
      const ids = order.get(player)!.map(({ answer }) => answer.transaction!.transactionId);
      // The ledger is read from a replica: it holds the last transaction once the replica does.
      await expect
        .poll(() => ledgerOf(player), { message: `seed ${seed}` })
        .toEqual({ ids, gold: expected.gold ?? 0n });
    }
  }
  console.log(`${done} transactions of ${SEEDS} seeds played again by the rules`);
  expect(done).toBeGreaterThan(SEEDS * 20);
}, 300_000);
