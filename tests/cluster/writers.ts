import { createClient } from '@realmkeep/kit/client/client';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { until } from '@realmkeep/testkit/parts/until';
import type { Stage } from '../e2e/stage.ts';
import { type Load, startLoad } from '../faults/load.ts';

export type Writers = Load & {
  readonly players: string[];
  /** Resolves once so many more writes are acknowledged. */
  written(count: number, what: string): Promise<void>;
  /** Ends the load and its connections. */
  stop(): Promise<void>;
};

/** Game servers that write until each write is acknowledged, and readers that accept any age, through the ingress. */
export async function startWriters(stage: Stage): Promise<Writers> {
  const token = await stage.token('server', 'writers');
  const connect = () =>
    createClient(PlayerStateService, {
      address: new URL(stage.realm.address).host,
      serviceTokens: { token: async () => token },
      timeoutMs: 30_000,
    });
  const clients: [ReturnType<typeof connect>, ReturnType<typeof connect>] = [connect(), connect()];
  const players = await Promise.all(Array.from({ length: 20 }, () => stage.player()));
  const load = startLoad(clients, players, { writers: 4, readers: 2 });
  return {
    ...load,
    players,
    written: async (count, what) => {
      const enough = load.acknowledged.length + count;
      await until(() => load.acknowledged.length >= enough, { what, within: 120_000, every: 50 });
    },
    stop: async () => {
      await load.end();
      for (const client of clients) client.close();
    },
  };
}
