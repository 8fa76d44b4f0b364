import { randomUUID } from 'node:crypto';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLoad } from './load.ts';
import { type Stage, startStage } from './stage.ts';

/** How often the primary is killed: twice among all tests, as often as is asked for by `npm run test:faults`. */
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 2);

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage?.stop());

test('a primary killed under write load loses and doubles no acknowledged transaction, and no read fails', async () => {
  const addresses = [await stage.startService(stage.urls), await stage.startService(stage.urls)];
  const [one, other] = await Promise.all(addresses.map((address) => stage.connect(PlayerStateService, address)));
  const players = Array.from({ length: 20 }, () => randomUUID());
  await Promise.all(players.map((playerId) => one!.createPlayer({ playerId, displayName: 'Ada' })));

  const load = startLoad([one!, other!], players);
  const written = async (count: number, what: string) => {
    const enough = load.acknowledged.length + count;
    await until(() => load.acknowledged.length >= enough, { what, within: 60_000 });
  };
  const gaps: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await written(100, 'writes before the kill');
    load.longestGap();
    const sure = load.acknowledged.length;
    const old = stage.cluster.primary;
    await old.kill();
    await stage.promoteFarthest();
    // What was acknowledged before the kill is there before anything is repeated.
    const lost = await stage.sql(
      `select id from unnest($1::uuid[]) id where not exists (select from transactions t where t.transaction_id = id)`,
      [load.acknowledged.slice(0, sure).map(({ id }) => id)],
    );
    expect(lost).toEqual([]);
    await written(100, 'writes after the promotion');
    gaps.push(Math.round(load.longestGap()));
    if (round < ROUNDS) await old.start();
  }
  await load.end();

  const { acknowledged, failedReads, staleReads } = load;
  console.log(
    `${ROUNDS} primaries killed amid ${acknowledged.length} acknowledged writes and ${load.reads()} reads: ` +
      `longest gap ${Math.max(...gaps)} ms (each: ${gaps.join(', ')})`,
  );
  expect(failedReads).toEqual([]);
  expect(staleReads).toEqual([]);
  const ledger = await stage.sql<{ id: string; entries: number }>(
    `select transaction_id as id, count(*)::int as entries from transaction_entries group by 1 order by 1`,
  );
  expect(ledger).toEqual(acknowledged.map(({ id }) => ({ id, entries: 3 })).sort((a, b) => (a.id < b.id ? -1 : 1)));
  const received = Object.groupBy(acknowledged, ({ to }) => to);
  const balances = await stage.sql<{ player_id: string; amount: string }>('select player_id, amount from balances');
  expect(new Map(balances.map(({ player_id, amount }) => [player_id, Number(amount)]))).toEqual(
    new Map(players.map((player) => [player, received[player]?.length ?? 0])),
  );
}, 300_000);
