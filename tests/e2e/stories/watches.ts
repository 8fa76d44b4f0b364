import { randomUUID } from 'node:crypto';
import { ConnectError } from '@connectrpc/connect';
import { RetryInfoSchema } from '@realmkeep/proto/google/rpc/error_details';
import { describe, expect, it } from 'vitest';
import { credit } from '../operations.ts';
import { codeName, outcomeOf } from '../outcome.ts';
import type { Stage } from '../stage.ts';

/** Players who watch their own state from a browser. */
export function watchStories(stage: Stage): void {
  /** The versions that a watch by gRPC-Web shows, heartbeats left out. */
  async function* watch(playerId: string, { as = playerId, fromVersion = 0n } = {}): AsyncGenerator<bigint> {
    const party = stage.connect({ token: await stage.token('player', as), web: true });
    for await (const { step } of party.players.watchPlayerState({ playerId, fromVersion })) {
      if (step.case === 'state') yield step.value.version;
    }
  }
  const pay = async (playerId: string) => {
    const operations = [credit(playerId, 1n)];
    const { states } = await stage.server.players.applyTransaction({ transactionId: randomUUID(), operations });
    return states[0]!.version;
  };
  /** Reads until this version is there; versions only grow. */
  const readTo = async (versions: AsyncGenerator<bigint>, wanted: bigint) => {
    for (let last = 0n; last < wanted; ) {
      const { value } = await versions.next();
      expect(value).toBeGreaterThan(last);
      last = value;
    }
  };

  describe('a watch by gRPC-Web through the ingress', () => {
    it('shows the state at once and each change as it is committed, whichever process commits it', async () => {
      const playerId = await stage.player();
      const versions = watch(playerId);
      expect((await versions.next()).value).toBe(1n);
      for (let round = 0; round < 8; round += 1) {
        await readTo(versions, await pay(playerId));
      }
      await versions.return(undefined);
    });

    it('is for the player itself', async () => {
      const [ada, bob] = [await stage.player(), await stage.player()];
      expect(await outcomeOf(watch(ada, { as: bob }).next())).toEqual({
        code: 'PERMISSION_DENIED',
        reason: 'NOT_YOUR_DATA',
      });
      const nobody = randomUUID();
      expect(await outcomeOf(watch(nobody).next())).toEqual({ code: 'NOT_FOUND', reason: 'PLAYER_NOT_FOUND' });
    });

    it('ends with a delay to call again after when its process is told to go, and resumes at another', async () => {
      const playerId = await stage.player();
      const watches = Array.from({ length: 12 }, () => watch(playerId));
      for (const versions of watches) expect((await versions.next()).value).toBe(1n);
      const ends = watches.map((versions) => versions.next().then(({ value }) => value, ConnectError.from));
      const [process] = stage.realm.services['player-state'];
      await process.stop();
      const version = await pay(playerId);
      const ended = (await Promise.all(ends)).filter((end) => end instanceof ConnectError);
      expect(ended.length).toBeGreaterThan(0);
      for (const end of ended) {
        expect(codeName(end.code)).toBe('UNAVAILABLE');
        expect(end.findDetails(RetryInfoSchema)).toHaveLength(1);
      }
      const resumed = watch(playerId, { fromVersion: 1n });
      await readTo(resumed, version);
      for (const versions of [...watches, resumed]) await versions.return(undefined);
      await process.start();
    });
  });
}
