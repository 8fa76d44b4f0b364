import { randomUUID } from 'node:crypto';
import { Code, ConnectError } from '@connectrpc/connect';
import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { credit, grant } from '../operations.ts';
import type { Stage } from '../stage.ts';

const writers = 8;

/** Processes killed while players are given things: nothing acknowledged is lost, nothing is applied twice. */
export function faultStories(stage: Stage): void {
  /** A transaction that a game server repeats, with its id, until it is answered. */
  const applyForSure = async (operations: ReturnType<typeof credit>[]) => {
    const transactionId = randomUUID();
    for (;;) {
      try {
        return await stage.server.players.applyTransaction({ transactionId, operations }, { timeoutMs: 5_000 });
      } catch (error) {
        const { code, cause } = ConnectError.from(error);
        // A process that is killed between the headers of an answer and its end leaves a stream that breaks.
        const broken = (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_HTTP2_STREAM_ERROR';
        if (!broken && ![Code.Unavailable, Code.DeadlineExceeded, Code.Canceled].includes(code)) {
          throw error;
        }
      }
    }
  };
  const things = (service: 'player-state' | 'item-location', players: string[]) =>
    stage.query(
      service,
      service === 'player-state'
        ? 'select game_item_id, owner_id, quantity, version from game_items where owner_id = any ($1) order by 1'
        : `select game_item_id, owner_id, quantity, source_version as version from game_item_locations
           where owner_id = any ($1) and not consumed order by 1`,
      [players],
    );

  /** Writes to eight players at once, runs `fault` amid that, and goes on for as many writes again. */
  const writeThrough = async (fault: () => Promise<void>) => {
    const itemId = `shard-${randomUUID()}`;
    await stage.admin.catalog.createItem({ itemId, name: 'Shard', kind: 'material', maxStack: 64n });
    const players = await Promise.all(Array.from({ length: writers }, () => stage.player()));
    const acknowledged = new Map(players.map((player) => [player, 0]));
    let total = 0;
    let enough = Number.POSITIVE_INFINITY;
    const write = async (player: string) => {
      while (total < enough) {
        await applyForSure([credit(player, 1n), grant(player, itemId, 5n)]);
        acknowledged.set(player, acknowledged.get(player)! + 1);
        total += 1;
      }
    };
    const writing = Promise.all(players.map(write));
    await until(() => total >= 60, { what: 'the first writes', within: 20_000, every: 5 });
    await fault();
    enough = total + 60;
    await writing;
    return { players, acknowledged };
  };

  const expectExact = async ({ players, acknowledged }: Awaited<ReturnType<typeof writeThrough>>) => {
    const ledger = await stage.query(
      'player-state',
      `select player_id, count(*)::int as entries, sum(e.amount)::int as gold, b.amount::int as balance
       from transaction_entries e join balances b using (player_id, currency)
       where player_id = any ($1) group by player_id, b.amount`,
      [players],
    );
    expect(new Map(ledger.map((row) => [row.player_id, row.entries]))).toEqual(acknowledged);
    for (const { entries, gold, balance } of ledger) {
      expect([gold, balance]).toEqual([entries, entries]);
    }
    const truth = await things('player-state', players);
    const total = [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
    expect(truth).toHaveLength(total);
    const followed = async () => (await things('item-location', players)).length >= total;
    await until(followed, { what: 'item-location to follow', within: 20_000, every: 50 });
    expect(await things('item-location', players)).toEqual(truth);
  };

  describe('a killed process loses nothing and doubles nothing', () => {
    it('when it is item-location, amid its stream', async () => {
      const [itemLocation] = stage.realm.services['item-location'];
      const written = await writeThrough(async () => {
        await itemLocation.kill();
        await itemLocation.start();
      });
      await expectExact(written);
    });

    it('when it is the player-state that item-location follows, amid writes through the ingress', async () => {
      const [followed] = stage.realm.services['player-state'];
      const written = await writeThrough(async () => {
        await followed.kill();
        await followed.start();
      });
      await expectExact(written);
    });
  });
}
