import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { credit, debit, pay } from '../operations.ts';
import { outcomeOf, tally } from '../outcome.ts';
import type { Stage } from '../stage.ts';

/** What concurrency must not break, over gRPC through the ingress and two processes of player-state. */
export function transactionStories(stage: Stage): void {
  const apply = (operations: ReturnType<typeof credit>[], transactionId = randomUUID()) =>
    stage.server.players.applyTransaction({ transactionId, operations });
  const goldOf = async (playerId: string) => {
    const minVersion = (
      await stage.query('player-state', 'select version from players where player_id = $1', [playerId])
    )[0]!;
    const { state } = await stage.server.players.getPlayerState({
      playerId,
      minVersion: BigInt(minVersion.version as string),
    });
    return state!.balances.find((balance) => balance.currency === 'gold')?.amount ?? 0n;
  };
  const ledgerOf = async (playerId: string) => {
    const rows = await stage.query(
      'player-state',
      `select count(*)::int as entries, sum(amount)::text as sum from transaction_entries
       where player_id = $1 and currency = 'gold'`,
      [playerId],
    );
    return rows[0];
  };

  describe('transactions', () => {
    it('have one effect when 200 callers send the same id at once, and give equal answers but for replayed', async () => {
      const playerId = await stage.player();
      const transactionId = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => apply([credit(playerId, 7n)], transactionId)),
      );
      expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
      for (const answer of answers) {
        expect({ ...answer, replayed: false }).toEqual({ ...answers[0], replayed: false });
      }
      expect(await goldOf(playerId)).toBe(7n);
      expect(await ledgerOf(playerId)).toEqual({ entries: 1, sum: '7' });
    });

    it('take exactly 500 of 1,000 concurrent debits of 1 from a balance of 500', async () => {
      const playerId = await stage.player();
      await apply([credit(playerId, 500n)]);
      const outcomes = await Promise.all(Array.from({ length: 1_000 }, () => outcomeOf(apply([debit(playerId, 1n)]))));
      expect(tally(outcomes)).toEqual({ OK: 500, 'FAILED_PRECONDITION INSUFFICIENT_BALANCE': 500 });
      expect(await goldOf(playerId)).toBe(0n);
      expect(await ledgerOf(playerId)).toEqual({ entries: 501, sum: '0' });
    });

    it('let two players trade both ways 1,000 times at once without a deadlock, totals conserved', async () => {
      const [ada, brin] = [await stage.player('Ada'), await stage.player('Brin')];
      await apply([credit(ada, 10_000n), credit(brin, 10_000n)]);
      const outcomes = await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => {
          const [from, to] = index % 2 === 0 ? [ada, brin] : [brin, ada];
          return outcomeOf(apply([pay(from, to, BigInt(1 + (index % 5)))]));
        }),
      );
      expect(tally(outcomes)).toEqual({ OK: 1_000 });
      const [left, right] = [await goldOf(ada), await goldOf(brin)];
      expect(left + right).toBe(20_000n);
      expect(await ledgerOf(ada)).toEqual({ entries: 1_001, sum: String(left) });
      expect(await ledgerOf(brin)).toEqual({ entries: 1_001, sum: String(right) });
    });

    it('refuse an id that is used again with other content', async () => {
      const playerId = await stage.player();
      const transactionId = randomUUID();
      await apply([credit(playerId, 1n)], transactionId);
      expect(await outcomeOf(apply([credit(playerId, 2n)], transactionId))).toEqual({
        code: 'ALREADY_EXISTS',
        reason: 'TRANSACTION_ID_REUSED',
      });
      expect(await goldOf(playerId)).toBe(1n);
    });
  });
}
