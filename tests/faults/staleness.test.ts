import { randomUUID } from 'node:crypto';
import { durationFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@realmkeep/kit/client/client';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { until } from '@realmkeep/testkit/parts/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stage, startStage } from './stage.ts';

const MAX_STALENESS_MS = 3_000;

let stage: Stage;
let game: Client<typeof PlayerStateService>;
/** One who is written to, and one who is not: nobody puts newer answers about that one into a cache. */
const playerId = randomUUID();
const idleId = randomUUID();

beforeAll(async () => {
  stage = await startStage();
  game = await stage.connect(PlayerStateService, await stage.startService(stage.urls));
  await game.createPlayer({ playerId, displayName: 'Ada' });
  await game.createPlayer({ playerId: idleId, displayName: 'Bob' });
});
afterAll(() => stage?.stop());

const onReplicas = (text: string) => Promise.all(stage.cluster.replicas.map(({ url }) => stage.sql(text, [], url)));

/** Credits the player and answers its new version. */
async function write(): Promise<bigint> {
  const credit = { case: 'credit' as const, value: { currency: 'gold', amount: 1n } };
  const answer = await game.applyTransaction({
    transactionId: randomUUID(),
    operations: [{ playerId, operation: credit }],
  });
  return answer.states[0]!.version;
}

/** How much older than the question an answer is that may be this old, in milliseconds. */
async function ageOf(who: string, maxStalenessMs: number): Promise<number> {
  const asked = Date.now();
  const { asOf } = await game.getPlayerState({ playerId: who, maxStaleness: durationFromMs(maxStalenessMs) });
  return asked - timestampMs(asOf!);
}

test('while the replicas do not replay, min_version is never answered older and max_staleness never exceeded', async () => {
  await onReplicas('select pg_wal_replay_pause()');
  const paused = Date.now();
  const wrong: string[] = [];
  // Long enough for the replicas to grow older than the bound, and than what the service reads at all.
  while (Date.now() < paused + 2 * MAX_STALENESS_MS) {
    const version = await write();
    const [own, older, none] = await Promise.all([
      game.getPlayerState({ playerId, minVersion: version }),
      Promise.all([playerId, idleId].map((who) => ageOf(who, MAX_STALENESS_MS))),
      Promise.all([playerId, idleId].map((who) => ageOf(who, 0))),
    ]);
    if (own.state!.version < version) wrong.push(`version ${own.state!.version}, not ${version}`);
    wrong.push(...older.filter((age) => age > MAX_STALENESS_MS).map((age) => `${age} ms old, not ${MAX_STALENESS_MS}`));
    wrong.push(...none.filter((age) => age > 0).map((age) => `${age} ms old, not 0`));
  }
  const late = await onReplicas(`select max(version)::int as version from players`);
  await onReplicas('select pg_wal_replay_resume()');
  expect(wrong).toEqual([]);
  // The replicas did stay behind.
  expect(late).toEqual([[{ version: 1 }], [{ version: 1 }]]);
});

test('without a primary a bounded read waits for one and never takes a replica that is too old', async () => {
  const version = await write();
  await until(async () => (await game.getPlayerState({ playerId })).state!.version >= version, { what: 'replicas' });
  await stage.cluster.primary.kill();
  const reading = Promise.all([
    game.getPlayerState({ playerId, maxStaleness: durationFromMs(0) }),
    game.getPlayerState({ playerId, minVersion: version + 1n }).catch((error: Error) => error.message),
  ]);
  expect((await game.getPlayerState({ playerId })).state!.version).toBe(version);
  expect((await game.getPlayerState({ playerId, minVersion: version })).state!.version).toBe(version);
  await stage.cluster.primary.start();
  // The primary alone says that a version is not reached yet.
  expect(await reading).toMatchObject([{ state: { version } }, expect.stringContaining('below min_version')]);
});
