import { randomUUID } from 'node:crypto';
import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { credit } from '../operations.ts';
import { type Outcome, outcomeOf, tally } from '../outcome.ts';
import type { Stage } from '../stage.ts';

const lanes = 12;

/** A service that is told to go while it is busy. */
export function drainingStories(stage: Stage): void {
  describe('SIGTERM of one of two processes under load', () => {
    it('fails no request through the ingress, read or written, over gRPC or REST', async () => {
      const playerId = await stage.player();
      const token = await stage.token('server');
      const outcomes: Outcome[] = [];
      let running = true;
      const kinds = [
        () => outcomeOf(stage.server.players.getPlayerState({ playerId })),
        () => {
          const operations = [credit(playerId, 1n)];
          return outcomeOf(stage.server.players.applyTransaction({ transactionId: randomUUID(), operations }));
        },
        async () => {
          const { status } = await stage.rest(`/v1/players/${playerId}/state`, { token });
          return { code: status === 200 ? 'OK' : `HTTP ${status}`, reason: '' };
        },
      ];
      const lane = async (kind: () => Promise<Outcome>) => {
        while (running) {
          outcomes.push(await kind());
        }
      };
      const load = Promise.all(Array.from({ length: lanes }, (_, index) => lane(kinds[index % kinds.length]!)));
      const more = (count: number) => {
        const enough = outcomes.length + count;
        return until(() => outcomes.length >= enough, { what: `${count} more calls`, within: 30_000, every: 5 });
      };
      try {
        for (const process of stage.realm.services['player-state']) {
          await more(300);
          await process.stop();
          await more(300);
          await process.start();
        }
        await more(300);
      } finally {
        running = false;
        await load;
      }
      expect(tally(outcomes)).toEqual({ OK: outcomes.length });
    }, 120_000);
  });
}
