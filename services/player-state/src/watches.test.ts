import { randomUUID } from 'node:crypto';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { credit, transaction } from '../test/operations.ts';

const HEARTBEAT_MS = 500;

let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;

function open() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp({ WATCH_HEARTBEAT_MS: `${HEARTBEAT_MS}` });
  game = await open();
});
afterAll(() => app.close());

async function player(): Promise<string> {
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ada' });
  return playerId;
}

/** The steps of a watch: versions, and 'heartbeat'. */
function watch(playerId: string, fromVersion = 0n) {
  const steps = game.watchPlayerState({ playerId, fromVersion })[Symbol.asyncIterator]();
  async function next() {
    const { value } = await steps.next();
    expect(value.asOf).toBeDefined();
    return value.step.case === 'state' ? (value.step.value.version as bigint) : 'heartbeat';
  }
  return {
    next,
    async nextVersion() {
      for (;;) {
        const step = await next();
        if (step !== 'heartbeat') return step;
      }
    },
    leave: () => steps.return?.(),
  };
}

test('the current state comes at once, whole, and then each newer version in order', async () => {
  const playerId = await player();
  const steps = game.watchPlayerState({ playerId: playerId.toUpperCase() })[Symbol.asyncIterator]();
  const { value: first } = await steps.next();
  expect(first.step).toMatchObject({ case: 'state', value: { playerId, displayName: 'Ada', version: 1n } });
  await steps.return?.();

  const ada = watch(playerId);
  expect(await ada.next()).toBe(1n);
  for (let round = 1n; round <= 30n; round += 1n) {
    const { states } = await game.applyTransaction(transaction(credit(playerId, 1n)));
    expect(await ada.nextVersion()).toBe(states[0]!.version);
  }
  await game.updatePlayer({ playerId, displayName: 'Bea' });
  expect(await ada.nextVersion()).toBe(32n);
  await ada.leave();
});

test('under concurrent writes versions only grow, and every watch ends with the newest', async () => {
  const playerId = await player();
  const watches = Array.from({ length: 20 }, () => watch(playerId));
  const last = 81n;
  const readers = watches.map(async ({ nextVersion, leave }) => {
    const seen: bigint[] = [];
    while (seen.at(-1) !== last) seen.push(await nextVersion());
    await leave();
    return seen;
  });
  await Promise.all(Array.from({ length: 80 }, () => game.applyTransaction(transaction(credit(playerId, 1n)))));
  for (const seen of await Promise.all(readers)) {
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(a - b)));
  }
});

test('a watch resumes from a version: a heartbeat when nothing is newer, then what is', async () => {
  const playerId = await player();
  await game.applyTransaction(transaction(credit(playerId, 1n)));
  const ada = watch(playerId, 2n);
  expect(await ada.next()).toBe('heartbeat');
  await game.applyTransaction(transaction(credit(playerId, 1n)));
  expect(await ada.nextVersion()).toBe(3n);
  await ada.leave();
  const behind = watch(playerId, 1n);
  expect(await behind.next()).toBe(3n);
  await behind.leave();
});

test('what another process wrote is found', async () => {
  const playerId = await player();
  const ada = watch(playerId);
  expect(await ada.next()).toBe(1n);
  await app.rows('update players set version = version + 1 where player_id = $1', [playerId]);
  expect(await ada.nextVersion()).toBe(2n);
  await ada.leave();
});

test('silence is broken by heartbeats that tell how long nothing was newer', async () => {
  const playerId = await player();
  const steps = game.watchPlayerState({ playerId, fromVersion: 1n })[Symbol.asyncIterator]();
  const times: number[] = [];
  while (times.length < 6) {
    const { value } = await steps.next();
    expect(value.step.case).toBe('heartbeat');
    times.push(Number(value.asOf!.seconds) * 1_000 + value.asOf!.nanos / 1e6);
  }
  expect(times.at(-1)).toBeGreaterThan(times[0]!);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  await steps.return?.();
});

test('a watch on nobody is refused, and a broken id too', async () => {
  const reason = async (playerId: string) =>
    watch(playerId)
      .next()
      .catch((fault: unknown) => (fault instanceof RpcError ? fault.reason : fault));
  expect(await reason(randomUUID())).toBe('PLAYER_NOT_FOUND');
  expect(await reason('x')).toBe('INVALID_ARGUMENT');
});
