import { randomUUID } from 'node:crypto';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { createServiceTokens } from '@realmkeep/kit/auth/service-tokens';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import type { GameItemEvent, ItemEvent, OutboxPosition } from '@realmkeep/proto/realmkeep/player_state/v1/item_event';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { consume, give, grant, transaction } from '../test/operations.ts';

let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;

function open() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp();
  game = await open();
  const catalog = await app.as(ItemCatalogService, 'admin');
  await catalog.createItem({ itemId: 'sword', name: 'Sword', kind: 'weapon' });
  await catalog.createItem({ itemId: 'arrow', name: 'Arrow', kind: 'ammo', maxStack: 64n });
});
afterAll(() => app.close());

/** The stream as item-location sees it. */
async function follow(position?: OutboxPosition) {
  const token = await createServiceTokens({ name: 'item-location', keyFile: app.keys.INTERNAL_KEY_FILE! }).token();
  const steps = app
    .client(ItemEventService, token)
    .followItemEvents(position ? { position } : {})
    [Symbol.asyncIterator]();
  const message = async () => (await steps.next()).value!;
  return {
    message,
    next: async () => (await message()).step,
    end: () => steps.return?.(undefined),
  };
}

/** The place up to which the outbox is final now. */
async function here(): Promise<OutboxPosition> {
  const stream = await follow();
  for (;;) {
    const step = await stream.next();
    if (step.case !== 'snapshot' || !step.value.last) continue;
    await stream.end();
    return step.value.position!;
  }
}

const named = ({ event }: ItemEvent) => (event.case === 'player' ? event.value.displayName : event.case);

test('events come in order, and nothing above a running transaction before it ends', async () => {
  const stream = await follow(await here());
  const holder = new pg.Client({ connectionString: app.database.ownerUrl });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select create_player($1, $2)', [randomUUID(), 'first']);
  await game.createPlayer({ playerId: randomUUID(), displayName: 'second' });
  // Committed, but above a transaction that still runs: only beats come.
  for (let beats = 0; beats < 2; beats += 1) {
    const step = await stream.next();
    expect([step.case, step.value!.events.map(named)]).toEqual(['batch', []]);
  }
  await holder.query('commit');
  await holder.end();
  const seen: (string | undefined)[] = [];
  while (seen.length < 2) seen.push(...(await stream.next()).value!.events.map(named));
  expect(seen).toEqual(['first', 'second']);
  await stream.end();
});

test('a step is as of no later than the events that are still to come after it', async () => {
  const position = await here();
  const backlog = new pg.Client({ connectionString: app.database.ownerUrl });
  await backlog.connect();
  await backlog.query(`select create_player(gen_random_uuid(), 'many') from generate_series(1, 501)`);
  const { rows } = await backlog.query<{ began: Date }>('select max(created_at) as began from outbox');
  await game.createPlayer({ playerId: randomUUID(), displayName: 'later' });
  await backlog.end();

  const behind = await follow(position);
  const first = await behind.message();
  expect(first.step.value!.events).toHaveLength(500);
  expect(timestampMs(first.asOf!)).toBe(rows[0]!.began.getTime());
  const second = await behind.message();
  expect(second.step.value!.events.map(named)).toEqual(['many', 'later']);
  expect(timestampMs(second.asOf!)).toBeGreaterThan(rows[0]!.began.getTime());
  await behind.end();

  const anew = await follow();
  const chunk = await anew.message();
  for (;;) {
    const { step, asOf } = await anew.message();
    if (step.case !== 'snapshot' || !step.value.last) continue;
    expect(timestampMs(asOf!)).toBeLessThanOrEqual(timestampMs(chunk.asOf!));
    break;
  }
  await anew.end();
});

test('a snapshot and then the events are the truth, while transactions go on', async () => {
  const players = [randomUUID(), randomUUID(), randomUUID()];
  for (const playerId of players) {
    await game.createPlayer({ playerId, displayName: 'Ada' });
    await game.applyTransaction(transaction(grant(playerId, 'sword', 400n)));
  }
  const stream = await follow();
  const things = new Map<string, GameItemEvent>();
  const take = ({ event }: ItemEvent) => {
    if (event.case !== 'gameItem') return;
    const known = things.get(event.value.gameItemId);
    if (!known || known.version < event.value.version) things.set(event.value.gameItemId, event.value);
  };
  const churn = (async () => {
    for (let round = 0; round < 60; round += 1) {
      const [from, to] = [players[round % 3]!, players[(round + 1) % 3]!];
      const granted = await game.applyTransaction(transaction(grant(from, 'arrow', 70n), grant(from, 'sword')));
      const items = granted.states[0]!.items;
      await game.applyTransaction(
        transaction(
          give(from, to, items[0]!.gameItemId, 60n),
          consume(from, { itemId: 'sword' }, 3n),
          give(from, to, items.at(-1)!.gameItemId),
        ),
      );
    }
  })();
  let position: OutboxPosition | undefined;
  const takeStep = async () => {
    const step = await stream.next();
    if (step.case === 'snapshot' && step.value.coversGameItems) {
      // What the range holds and the chunk does not name is gone.
      const { gameItemsAfter: after, gameItemsThrough: through } = step.value;
      for (const id of things.keys()) if (id > after && (through === '' || id <= through)) things.delete(id);
    }
    for (const event of step.value!.events) take(event);
    position = step.value!.position ?? position;
  };
  while (!position) await takeStep();
  await churn;
  const [end] = await app.rows<{ xid: string }>('select max(xid)::text as xid from outbox');
  while (position.transaction <= BigInt(end!.xid)) await takeStep();
  await stream.end();

  const live = await app.rows('select game_item_id, owner_id, quantity, version from game_items order by 1');
  const known = [...things.values()]
    .filter(({ quantity }) => quantity > 0n)
    .map((thing) => ({
      game_item_id: thing.gameItemId,
      owner_id: thing.ownerId,
      quantity: `${thing.quantity}`,
      version: `${thing.version}`,
    }));
  expect(known.toSorted((one, other) => (one.game_item_id < other.game_item_id ? -1 : 1))).toEqual(live);
  // A player's row keeps the greatest position of its writes: the follower is at or past it.
  const behind = await app.rows('select from players where outbox_xid >= $1', [`${position.transaction}`]);
  expect(behind).toEqual([]);
});

test('a player’s row keeps the greatest outbox position of its writes, also when the older transaction commits last', async () => {
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ida' });
  const older = new pg.Client({ connectionString: app.database.ownerUrl });
  await older.connect();
  await older.query('begin');
  await older.query('select pg_current_xact_id()');
  await game.applyTransaction(transaction(grant(playerId, 'sword')));
  await older.query(
    `select apply_transactions(array[gen_random_uuid()], array[''::bytea], '{1}', '{0}', '{grant_item}', array[$1::uuid],
       '{null}', '{null}', '{sword}', '{null}', '{1}', '{null}', '{}', '{}', 2000, 1000)`,
    [playerId],
  );
  await older.query('commit');
  await older.end();
  const [kept] = await app.rows('select outbox_xid as xid, outbox_id as id from players where player_id = $1', [
    playerId,
  ]);
  const written = await app.rows(
    "select xid, id from outbox where event->'gameItem'->>'ownerId' = $1 order by xid desc, id desc",
    [playerId],
  );
  expect(written).toHaveLength(2);
  expect(kept).toEqual(written[0]);
});

test('a follower behind the trim, or ahead of this history, starts with a snapshot', async () => {
  const old = await here();
  await game.createPlayer({ playerId: randomUUID(), displayName: 'trimmed' });
  const now = await here();
  await app.rows("update outbox set created_at = now() - interval '8 days' where xid < $1", [`${now.transaction}`]);
  const [trim] = await app.rows<{ rows: number }>("select trim_outbox('7 days', 100000) as rows");
  expect(trim!.rows).toBeGreaterThan(0);
  const cases: [string, OutboxPosition][] = [
    ['snapshot', old],
    ['batch', now],
    ['snapshot', { ...now, transaction: now.transaction + 1_000_000n }],
  ];
  for (const [expected, position] of cases) {
    const stream = await follow(position);
    expect.soft((await stream.next()).case).toBe(expected);
    await stream.end();
  }
});
