import { randomUUID } from 'node:crypto';
import type { Client } from '@realmkeep/kit/client/client';
import type { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { forSure } from './for-sure.ts';

type Players = Client<typeof PlayerStateService>;

/** An acknowledged transaction: it gave `from` one coin, which went to `to`. */
export type Acknowledged = { id: string; from: string; to: string };

export type Load = {
  readonly acknowledged: Acknowledged[];
  /** Reads that accepted any staleness and failed. */
  readonly failedReads: unknown[];
  /** Reads of one's own write that were answered older than the write. */
  readonly staleReads: string[];
  reads(): number;
  /** The longest time without an acknowledgement since the last time it was asked for, in milliseconds. */
  longestGap(): number;
  /** Resolves once every write that was begun is acknowledged. */
  end(): Promise<void>;
};

/** Writes to, and reads of, random ones of the players through both clients at once, until it is ended. */
export function startLoad(clients: [Players, Players], players: string[], { writers = 8, readers = 4 } = {}): Load {
  const acknowledged: Acknowledged[] = [];
  const failedReads: unknown[] = [];
  const staleReads: string[] = [];
  let reads = 0;
  let over = false;
  let last = performance.now();
  let gap = 0;
  const anyOf = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)]!;

  async function write(): Promise<void> {
    while (!over) {
      const from = anyOf(players);
      const to = anyOf(players.filter((player) => player !== from));
      const transactionId = randomUUID();
      const operations = [
        { playerId: from, operation: { case: 'credit', value: { currency: 'gold', amount: 1n } } },
        {
          playerId: from,
          operation: { case: 'transferCurrency', value: { toPlayerId: to, currency: 'gold', amount: 1n } },
        },
      ] as const;
      // Each try through any process of the service, as behind a balancer.
      const answer = await forSure(() =>
        anyOf(clients).applyTransaction({ transactionId, operations: [...operations] }),
      );
      const now = performance.now();
      gap = Math.max(gap, now - last);
      last = now;
      acknowledged.push({ id: transactionId, from, to });
      const { playerId, version } = answer.states[0]!;
      const { state } = await forSure(() => anyOf(clients).getPlayerState({ playerId, minVersion: version }));
      if (state!.version < version) staleReads.push(`${playerId} at ${state!.version}, not ${version}`);
    }
  }

  async function read(): Promise<void> {
    while (!over) {
      await anyOf(clients)
        .getPlayerState({ playerId: anyOf(players) })
        .catch((error: unknown) => failedReads.push(error));
      reads += 1;
    }
  }

  const running = Promise.all([...Array.from({ length: writers }, write), ...Array.from({ length: readers }, read)]);
  // Rejections are the business of end().
  running.catch(() => undefined);
  return {
    acknowledged,
    failedReads,
    staleReads,
    reads: () => reads,
    longestGap: () => {
      const longest = gap;
      gap = 0;
      return longest;
    },
    end: async () => {
      over = true;
      await running;
    },
  };
}
