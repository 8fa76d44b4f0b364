import { randomUUID } from 'node:crypto';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { ItemEventService } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import {
  GetPlayerStateRequest_View,
  ItemLocationsPart_MissingReason,
  PlayerStateService,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { credit, grant, pay, transaction } from '../test/operations.ts';
import { ROLES, roleClients, type TestRole } from '../test/role-clients.ts';

let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;
const [ada, bob] = [randomUUID(), randomUUID()];

function open() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp();
  game = await open();
  const catalog = await app.as(ItemCatalogService, 'admin');
  await catalog.createItem({ itemId: 'sword', name: 'Sword', kind: 'weapon' });
  await game.createPlayer({ playerId: ada, displayName: 'Ada' });
  await game.createPlayer({ playerId: bob, displayName: 'Bob' });
});
afterAll(() => app.close());

async function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (fault: unknown) => (fault instanceof RpcError ? fault.reason : String(fault)),
  );
}

test('each RPC is allowed and denied to each role as the contract says, past the ingress too', async () => {
  const adas = transaction(credit(ada, 5n));
  await game.applyTransaction(adas);
  const bobs = transaction(credit(bob, 5n));
  await game.applyTransaction(bobs);
  const players = await roleClients(app, PlayerStateService, ada.toUpperCase());
  const catalog = await roleClients(app, ItemCatalogService, ada);
  const events = await roleClients(app, ItemEventService, ada);
  const firstStep = async (role: TestRole) => {
    for await (const _ of events[role].followItemEvents({})) return;
  };
  const firstState = async (role: TestRole, playerId: string) => {
    for await (const _ of players[role].watchPlayerState({ playerId })) return;
  };
  const [server, owner, others] = ['server', 'player server', 'server but not another player'];
  const table: [string, string, (role: TestRole) => Promise<unknown>][] = [
    ['CreatePlayer', server, (role) => players[role].createPlayer({ playerId: randomUUID(), displayName: 'x' })],
    ['UpdatePlayer', server, (role) => players[role].updatePlayer({ playerId: bob, displayName: 'Bob' })],
    ['GetPlayerState, own', owner, (role) => players[role].getPlayerState({ playerId: ada })],
    ['GetPlayerState', others, (role) => players[role].getPlayerState({ playerId: bob })],
    ['BatchGetPlayerStates', server, (role) => players[role].batchGetPlayerStates({ playerIds: [ada] })],
    ['WatchPlayerState, own', owner, (role) => firstState(role, ada)],
    ['WatchPlayerState', others, (role) => firstState(role, bob)],
    ['ApplyTransaction', server, (role) => players[role].applyTransaction(transaction(credit(ada, 1n)))],
    ['GetTransaction, own', owner, (role) => players[role].getTransaction(adas)],
    ['GetTransaction', 'server but no party', (role) => players[role].getTransaction(bobs)],
    ['ListTransactions, own', owner, (role) => players[role].listTransactions({ playerId: ada })],
    ['ListTransactions', others, (role) => players[role].listTransactions({ playerId: bob })],
    ['CreateItem', 'admin', (role) => catalog[role].createItem({ itemId: `i-${randomUUID()}`, name: 'x', kind: 'y' })],
    ['UpdateItem', 'admin', (role) => catalog[role].updateItem({ itemId: 'sword', name: 'Sword' })],
    ['GetItem', owner, (role) => catalog[role].getItem({ itemId: 'sword' })],
    ['ListItems', owner, (role) => catalog[role].listItems({})],
    ['SearchItems', owner, (role) => catalog[role].searchItems({ query: 'sword' })],
    ['FollowItemEvents', 'service', firstStep],
  ];
  for (const [name, who, call] of table) {
    const expected: Record<TestRole, string> = {
      nobody: 'TOKEN_MISSING',
      player: 'ROLE_NOT_ALLOWED',
      server: who.includes('server') ? 'ok' : 'ROLE_NOT_ALLOWED',
      admin: who === 'service' ? 'ROLE_NOT_ALLOWED' : 'ok',
      service: who === 'service' ? 'ok' : 'ROLE_NOT_ALLOWED',
    };
    if (who.includes('player')) expected.player = who === owner ? 'ok' : 'NOT_YOUR_DATA';
    if (who.includes('party')) expected.player = 'TRANSACTION_NOT_FOUND';
    const found = Object.fromEntries(await Promise.all(ROLES.map(async (role) => [role, await outcome(call(role))])));
    expect.soft(found, name).toEqual(expected);
  }
  for (const [what, token] of Object.entries(await app.tokens.bad({ role: 'server', subject: 'game' }))) {
    const reason = await outcome(app.client(PlayerStateService, token).getPlayerState({ playerId: ada }));
    expect.soft(reason, what).toBe(what === 'expired' ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID');
  }
});

test('creating twice with the same content is one creation, with other content it is refused', async () => {
  const playerId = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => game.createPlayer({ playerId, displayName: 'Cy' })),
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await outcome(game.createPlayer({ playerId, displayName: 'Di' }))).toBe('PLAYER_ID_REUSED');
  const { state } = await game.getPlayerState({ playerId: playerId.toUpperCase() });
  expect(state).toMatchObject({ playerId, displayName: 'Cy', version: 1n });
  expect(state!.createTime).toEqual(answers[0]!.player!.createTime);

  const catalog = await app.as(ItemCatalogService, 'admin');
  const shield = { itemId: 'shield', name: 'Shield', kind: 'armour' };
  const items = await Promise.all(Array.from({ length: 5 }, () => catalog.createItem(shield)));
  for (const item of items) expect(item).toEqual(items[0]);
  expect(items[0]!.item).toMatchObject({ ...shield, maxStack: 1n, version: 1n });
  expect(await outcome(catalog.createItem({ ...shield, maxStack: 2n }))).toBe('ITEM_ID_REUSED');
  expect(await outcome(catalog.getItem({ itemId: 'unheard-of' }))).toBe('ITEM_NOT_FOUND');
});

test('a reader that passes the version of a write never sees an older state', async () => {
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ed' });
  for (let round = 1n; round <= 50n; round += 1n) {
    const { states } = await game.applyTransaction(transaction(credit(playerId, 1n)));
    const { state } = await game.getPlayerState({ playerId, minVersion: states[0]!.version });
    expect(state!.version).toBe(round + 1n);
    expect(state!.balances[0]!.amount).toBe(round);
  }
  expect(await outcome(game.getPlayerState({ playerId, minVersion: 1000n }))).toBe('VERSION_NOT_REACHED');
  expect(await outcome(game.getPlayerState({ playerId: randomUUID() }))).toBe('PLAYER_NOT_FOUND');
});

test('a batch answers in the order asked, lists the missing, and leaves out what passes 2 MB', async () => {
  const nobody = randomUUID();
  const { states, missingPlayerIds, omittedPlayerIds } = await game.batchGetPlayerStates({
    playerIds: [bob, nobody, ada.toUpperCase()],
  });
  expect(states.map(({ playerId }) => playerId)).toEqual([bob, ada]);
  expect([missingPlayerIds, omittedPlayerIds]).toEqual([[nobody], []]);

  const catalog = await app.as(ItemCatalogService, 'admin');
  const long = { itemId: 'l'.repeat(128), name: 'Long', kind: 'k'.repeat(255) };
  await catalog.createItem(long);
  const rich = Array.from({ length: 6 }, () => randomUUID());
  for (const playerId of rich) {
    await game.createPlayer({ playerId, displayName: 'Flo' });
    await game.applyTransaction(transaction(grant(playerId, long.itemId, 1000n)));
  }
  await app.database.replicated();
  const answer = await game.batchGetPlayerStates({ playerIds: rich });
  const given = answer.states.map(({ playerId }) => playerId);
  expect(given.length).toBeGreaterThan(0);
  expect([...given, ...answer.omittedPlayerIds]).toEqual(rich);
  const rest = await game.batchGetPlayerStates({ playerIds: answer.omittedPlayerIds });
  expect(rest.states.map(({ items }) => items.length)).toEqual(answer.omittedPlayerIds.map(() => 1000));
});

test('the view FULL adds the locations as of the last write, or says why they are missing', async () => {
  const full = async () => {
    const view = GetPlayerStateRequest_View.FULL;
    const { state, itemLocations } = await game.getPlayerState({ playerId: ada, view });
    expect(state!.playerId).toBe(ada);
    return itemLocations;
  };
  const { UNAVAILABLE, BEHIND } = ItemLocationsPart_MissingReason;
  const itemLocation = await app.startItemLocation();
  const gameItemId = randomUUID();
  itemLocation.knows({ itemLocations: [{ gameItemId, locationName: 'Mill' }], version: 7n });
  expect(await full()).toMatchObject({ itemLocations: [{ gameItemId, locationName: 'Mill' }], version: 7n });
  expect(await full()).toMatchObject({ truncated: false });
  itemLocation.knows({ itemLocations: [{ gameItemId }], version: 7n, truncated: true });
  expect(await full()).toMatchObject({ itemLocations: [{ gameItemId }], truncated: true });
  // It was asked for no less than the player's last write.
  const [row] = await app.rows('select outbox_xid, outbox_id from players where player_id = $1', [ada]);
  const { playerId, minPosition } = itemLocation.asked()!;
  expect([playerId, `${minPosition!.transaction}`, `${minPosition!.id}`]).toEqual([
    ada,
    row!.outbox_xid,
    row!.outbox_id,
  ]);

  itemLocation.isBehind();
  expect(await full()).toMatchObject({ itemLocations: [], missingReason: BEHIND });
  itemLocation.hangs();
  const begun = performance.now();
  expect(await full()).toMatchObject({ itemLocations: [], missingReason: UNAVAILABLE });
  expect(performance.now() - begun).toBeLessThan(5_000);
  await itemLocation.stop();
  expect(await full()).toMatchObject({ itemLocations: [], missingReason: UNAVAILABLE });
  expect((await game.getPlayerState({ playerId: ada })).itemLocations).toBeUndefined();
});

test('the ledger is paged newest first, each transaction exactly once, whatever is written meanwhile', async () => {
  const [gus, hal] = [randomUUID(), randomUUID()];
  await game.createPlayer({ playerId: gus, displayName: 'Gus' });
  await game.createPlayer({ playerId: hal, displayName: 'Hal' });
  const written: string[] = [];
  for (let index = 0; index < 23; index += 1) {
    const request = transaction(credit(gus, 10n), pay(gus, hal, 1n), grant(gus, 'sword', 2n));
    await game.applyTransaction(request);
    written.unshift(request.transactionId);
  }
  await app.database.replicated();
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await game.listTransactions({ playerId: gus, pageSize: 5, pageToken });
    for (const { transactionId, entries } of page.transactions) {
      seen.push(transactionId);
      // Only this player's entries, in their order.
      expect(entries.map(({ playerId, operationIndex }) => `${playerId} ${operationIndex}`)).toEqual(
        [0, 1, 2, 2].map((index) => `${gus} ${index}`),
      );
    }
    pageToken = page.nextPageToken;
    await game.applyTransaction(transaction(credit(gus, 1n)));
    expect(await outcome(game.listTransactions({ playerId: hal, pageToken: pageToken || 'x' }))).toBe(
      'PAGE_TOKEN_INVALID',
    );
  } while (pageToken);
  expect(seen).toEqual(written);

  const { transaction: whole } = await game.getTransaction({ transactionId: written[0]! });
  expect(whole!.entries.map(({ playerId, amount, quantity }) => [playerId, amount, quantity])).toEqual([
    [gus, 10n, 0n],
    [gus, -1n, 0n],
    [hal, 1n, 0n],
    [gus, 0n, 1n],
    [gus, 0n, 1n],
  ]);
  // Also once its request has been trimmed.
  await app.rows('delete from transaction_requests where transaction_id = $1', [written[0]]);
  await app.database.replicated();
  expect((await game.getTransaction({ transactionId: written[0]! })).transaction).toEqual(whole);
  expect((await game.listTransactions({ playerId: randomUUID() })).transactions).toEqual([]);
});

test('the catalog is paged by item id', async () => {
  const catalog = await app.as(ItemCatalogService, 'admin');
  for (let index = 0; index < 12; index += 1) {
    await catalog.createItem({ itemId: `paged-${String(index).padStart(2, '0')}`, name: 'x', kind: 'y' });
  }
  await app.database.replicated();
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await catalog.listItems({ pageSize: 5, pageToken });
    seen.push(...page.items.map((item) => item.itemId));
    pageToken = page.nextPageToken;
  } while (pageToken);
  expect(seen).toEqual([...new Set(seen)].sort());
  expect(seen.filter((itemId) => itemId.startsWith('paged-'))).toHaveLength(12);
  expect(await outcome(catalog.listItems({ pageToken: 'broken' }))).toBe('PAGE_TOKEN_INVALID');
});
