import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { freePort } from '@realmkeep/testkit/parts/ports';
import { until } from '@realmkeep/testkit/parts/until';
import { startValkey, type ValkeyCluster } from '@realmkeep/testkit/parts/valkey';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { credit, transaction } from '../test/operations.ts';

type Game = Awaited<ReturnType<typeof open>>;

let folder: string;
let valkey: ValkeyCluster;
let app: TestApp;
let one: Game;
let other: Game;

function open() {
  return app.as(PlayerStateService, 'server');
}

// A cluster of the file's own: its nodes are killed. What is kept in memory lives longer than the file runs, so that
// nothing but the news of a write replaces it.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'realmkeep-states-'));
  valkey = await startValkey({
    folder: join(folder, 'data'),
    logs: join(folder, 'logs'),
    ports: await Promise.all([1, 2, 3].map(async () => ({ client: await freePort(), bus: await freePort() }))),
    password: 'secret',
    appendonly: false,
    say: () => undefined,
  });
  app = await openTestApp({
    REDIS_NODES: valkey.addresses.join(','),
    REDIS_PASSWORD: 'secret',
    CACHE_L1_TTL_MS: '600000',
    CACHE_L2_TTL_MS: '600000',
  });
  one = await open();
  other = await app.replica(PlayerStateService);
});
afterAll(async () => {
  await app?.close();
  await valkey?.stop();
  rmSync(folder, { recursive: true });
});

async function newPlayers(count: number): Promise<string[]> {
  const playerIds = Array.from({ length: count }, () => randomUUID());
  await Promise.all(playerIds.map((playerId) => one.createPlayer({ playerId, displayName: 'Ada' })));
  await app.database.replicated();
  return playerIds;
}

async function write(game: Game, playerId: string): Promise<bigint> {
  const { states } = await game.applyTransaction(transaction(credit(playerId, 1n)));
  return states[0]!.version;
}

test('a write through one process is seen through the other at once with min_version, and soon without', async () => {
  const [playerId] = await newPlayers(1);
  const waits: number[] = [];
  for (let round = 1n; round <= 40n; round += 1n) {
    const [writer, reader] = round % 2n ? [one, other] : [other, one];
    await reader.getPlayerState({ playerId });
    const minVersion = await write(writer, playerId!);
    const written = performance.now();
    if (round % 4n < 2n) {
      const { state } = await reader.getPlayerState({ playerId, minVersion });
      expect(state).toMatchObject({ version: round + 1n, balances: [{ amount: round }] });
      continue;
    }
    await until(async () => (await reader.getPlayerState({ playerId })).state!.version === minVersion, {
      what: 'the write to be seen',
      every: 1,
    });
    waits.push(performance.now() - written);
  }
  const [median] = waits.sort((a, b) => a - b).slice(waits.length / 2);
  expect(median).toBeLessThan(100);
});

test('a rename is seen through the other process', async () => {
  const [playerId] = await newPlayers(1);
  await other.getPlayerState({ playerId });
  const { version } = await one.updatePlayer({ playerId, displayName: 'Bea' });
  const { state } = await other.getPlayerState({ playerId, minVersion: version });
  expect(state).toMatchObject({ displayName: 'Bea', version });
});

test('a batch gives what is cached and what is not, in the order asked', async () => {
  const players = await newPlayers(20);
  // Players that were never read by anybody: their rows come from a node.
  const cold = Array.from({ length: 5 }, () => randomUUID());
  await app.rows(
    `insert into players (player_id, display_name, outbox_xid, outbox_id, created_at, updated_at)
     select id, 'cold', 0, 0, now(), now() from unnest($1::uuid[]) id`,
    [cold],
  );
  await app.database.replicated();
  const nobody = randomUUID();
  const asked = [...players.slice(0, 10), ...cold, nobody, ...players.slice(10)].sort();
  const begun = Date.now();
  const { states, missingPlayerIds, asOf } = await other.batchGetPlayerStates({ playerIds: asked });
  expect(states.map(({ playerId }) => playerId)).toEqual(asked.filter((playerId) => playerId !== nobody));
  expect(missingPlayerIds).toEqual([nobody]);
  expect(Number(asOf!.seconds)).toBeLessThanOrEqual(begun / 1_000);
});

test('a key that nobody has yet, read by 1,000 callers at once, costs one query', async () => {
  const playerId = randomUUID();
  await app.rows(
    `insert into players (player_id, display_name, outbox_xid, outbox_id, created_at, updated_at)
     values ($1, 'cold', 0, 0, now(), now())`,
    [playerId],
  );
  await app.database.replicated();
  const fetches = () => app.counted('cache_fetches', 'noun="state"');
  const before = await fetches();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => one.getPlayerState({ playerId })));
  expect(answers.every(({ state }) => state!.displayName === 'cold')).toBe(true);
  expect((await fetches()) - before).toBe(1);
});

test('what a process wrote and did not live to keep is kept by the next one that starts', async () => {
  const [playerId] = await newPlayers(1);
  await Promise.all([one, other].map((game) => game.getPlayerState({ playerId })));
  await app.rows(
    `select apply_transactions(array[uuidv7()], array[''::bytea], '{1}', '{0}', '{credit}', array[$1]::uuid[], '{null}',
       '{gold}', '{null}', '{null}', '{1}', '{null}', '{}', '{}', 10, 10)`,
    [playerId],
  );
  expect((await one.getPlayerState({ playerId })).state!.version).toBe(1n);
  await app.replica(PlayerStateService);
  await until(async () => (await one.getPlayerState({ playerId })).state!.version === 2n, {
    what: 'the write to be seen',
  });
});

test('while every Redis node is killed and comes back, nothing fails and no reader goes back', async () => {
  const players = await newPlayers(20);
  const games = [one, other];
  const seen = games.map(() => new Map(players.map((playerId) => [playerId, 1n])));
  let turns = 0;
  let loading = true;

  async function turn(at: number, playerId: string): Promise<void> {
    const game = games[at]!;
    const versions = seen[at]!;
    const minVersion = Math.random() < 0.2 ? await write(game, playerId) : 0n;
    const before = versions.get(playerId)!;
    const { state } = await game.getPlayerState({ playerId, minVersion });
    expect(state!.version).toBeGreaterThanOrEqual(minVersion > before ? minVersion : before);
    // The ledger is one credit of 1 a version.
    expect(state!.balances[0]?.amount ?? 0n).toBe(state!.version - 1n);
    if (state!.version > versions.get(playerId)!) versions.set(playerId, state!.version);
  }
  const load = (async () => {
    for (; loading; turns += 1)
      await Promise.all(players.flatMap((playerId) => [turn(0, playerId), turn(1, playerId)]));
  })();
  const goesOn = async () => {
    const from = turns;
    await until(() => turns > from + 10, { what: 'reads and writes to go on', within: 20_000 });
  };
  try {
    await goesOn();
    await Promise.all(valkey.nodes.map((node) => node.kill()));
    await goesOn();
    await Promise.all(valkey.nodes.map((node) => node.start()));
    await goesOn();
  } finally {
    loading = false;
    await load;
  }
}, 90_000);
