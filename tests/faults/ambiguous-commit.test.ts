import { randomUUID } from 'node:crypto';
import type { Client } from '@realmkeep/kit/client/client';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;
let proxy: CuttingProxy;
let game: Client<typeof PlayerStateService>;
let playerId: string;

// The service reaches its primary through the proxy alone.
beforeAll(async () => {
  stage = await startStage();
  const [primary, ...replicas] = stage.urls;
  const through = new URL(primary!);
  proxy = await startCuttingProxy(Number(through.port));
  through.port = String(proxy.port);
  game = await stage.connect(PlayerStateService, await stage.startService([through.href, ...replicas]));
});
afterAll(async () => {
  await stage?.stop();
  await proxy?.close();
});
beforeEach(async () => {
  playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ada' });
});

const creditOf = (amount: bigint) => ({
  transactionId: randomUUID(),
  operations: [{ playerId, operation: { case: 'credit' as const, value: { currency: 'gold', amount } } }],
});
const entries = async () =>
  (await stage.sql('select amount from transaction_entries where player_id = $1', [playerId])).map(
    ({ amount }) => amount,
  );
/** Waits until as many backends as that wait for this while they apply a transaction. */
const waiting = (count: number, event: 'SyncRep' | 'advisory') =>
  until(
    async () => {
      const found = await stage.sql(
        `select from pg_stat_activity where query like '%from apply_transactions(%' and wait_event = $1`,
        [event],
      );
      return found.length === count;
    },
    { what: `${count} to wait for ${event}` },
  );

test('an answer that is lost after the commit is found by the service itself, and by a caller that asks again', async () => {
  const request = creditOf(7n);
  const cut = proxy.cutNext('apply_transactions', 'answer');
  const answer = await game.applyTransaction(request);
  await cut;
  expect(answer.states).toMatchObject([{ version: 2n, balances: [{ amount: 7n }] }]);
  expect(await game.applyTransaction(request)).toEqual({ ...answer, replayed: true });
  expect(await entries()).toEqual(['7']);
});

test('a commit that is still under way when its connection is lost is waited for', async () => {
  const request = creditOf(8n);
  // Commits wait for a standby that does not come.
  await stage.sql(`alter system set synchronous_standby_names = 'nobody'`);
  await stage.sql('select pg_reload_conf()');
  const cut = proxy.cutNext('apply_transactions', 'request');
  const answering = game.applyTransaction(request);
  await cut;
  await waiting(1, 'SyncRep');
  await waiting(1, 'advisory');
  await stage.sql('alter system reset synchronous_standby_names');
  await stage.sql('select pg_reload_conf()');
  const answer = await answering;
  expect(answer.states).toMatchObject([{ version: 2n, balances: [{ amount: 8n }] }]);
  expect(await game.applyTransaction(request)).toEqual({ ...answer, replayed: true });
  expect(await entries()).toEqual(['8']);
});

test('a commit that only the killed primary had is not acknowledged before a standby has it too', async () => {
  const { cluster } = stage;
  const replicas = cluster.replicas;
  await Promise.all(replicas.map((replica) => replica.stop()));
  let answered = false;
  const answering = game.applyTransaction(creditOf(9n)).finally(() => {
    answered = true;
  });
  await waiting(1, 'SyncRep');
  await cluster.primary.kill();
  await cluster.primary.start();
  // The service asks again and finds the commit, which the crash has left on this one node.
  await waiting(1, 'SyncRep');
  expect(await entries()).toEqual(['9']);
  expect(answered).toBe(false);
  await replicas[0]!.start();
  expect(await answering).toMatchObject({ replayed: true, states: [{ version: 2n, balances: [{ amount: 9n }] }] });
  expect(await entries()).toEqual(['9']);
  await replicas[1]!.start();
});
