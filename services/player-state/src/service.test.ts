import { randomUUID } from 'node:crypto';
import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { consume, credit, debit, give, grant, type Operation, pay, transaction } from '../test/operations.ts';

const MOST = 9_223_372_036_854_775_807n;
let app: TestApp;
let game: Awaited<ReturnType<typeof open>>;

function open() {
  return app.as(PlayerStateService, 'server');
}

beforeAll(async () => {
  app = await openTestApp({ INVENTORY_LIMIT: '1500' });
  game = await open();
  const catalog = await app.as(ItemCatalogService, 'admin');
  await catalog.createItem({ itemId: 'sword', name: 'Sword', kind: 'weapon' });
  await catalog.createItem({ itemId: 'arrow', name: 'Arrow', kind: 'ammo', maxStack: 64n });
});
afterAll(() => app.close());

async function newPlayer(...operations: ((playerId: string) => Operation)[]): Promise<string> {
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ada' });
  if (operations.length > 0) await game.applyTransaction(transaction(...operations.map((each) => each(playerId))));
  return playerId;
}

const apply = (...operations: Operation[]) => game.applyTransaction(transaction(...operations));

/** The reason of the refusal. */
async function reasonOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('it was not refused'),
    (fault: unknown) => fault,
  );
  return error instanceof RpcError ? error.reason : String(error);
}

/** What the player has, at the version that a write returned or later: "gold 5" and "sword 1", "arrow 36". */
async function pockets(playerId: string, minVersion = 0n): Promise<string[]> {
  const { state } = await game.getPlayerState({ playerId, minVersion });
  return [
    ...state!.balances.map(({ currency, amount }) => `${currency} ${amount}`),
    ...state!.items.map(({ itemId, quantity }) => `${itemId} ${quantity}`),
  ];
}

async function versionOf(playerId: string): Promise<bigint> {
  const [row] = await app.rows<{ version: string }>('select version from players where player_id = $1', [playerId]);
  return BigInt(row!.version);
}

test('the six operations do what they say, in order, in one transaction', async () => {
  const [ada, bob] = [await newPlayer(), await newPlayer()];
  const first = await apply(
    credit(ada, 500n),
    debit(ada, 20n),
    grant(ada, 'sword', 2n),
    grant(ada, 'arrow', 100n),
    consume(ada, { itemId: 'arrow' }, 70n),
    pay(ada, bob, 5n),
  );
  expect(first.replayed).toBe(false);
  const [adas, bobs] = [ada, bob].map((id) => first.states.find(({ playerId }) => playerId === id)!);
  expect(adas).toMatchObject({ version: 2n, balances: [{ currency: 'gold', amount: 475n }] });
  expect(adas!.items.map(({ itemId, kind, quantity }) => [itemId, kind, quantity])).toEqual([
    ['sword', 'weapon', 1n],
    ['sword', 'weapon', 1n],
    ['arrow', 'ammo', 0n],
    ['arrow', 'ammo', 30n],
  ]);
  expect(bobs).toMatchObject({ version: 2n, balances: [{ amount: 5n }], items: [] });

  const [sword, , , arrows] = adas!.items;
  const second = await apply(
    give(ada, bob, sword!.gameItemId),
    give(ada, bob, arrows!.gameItemId, 10n),
    consume(ada, { gameItemId: arrows!.gameItemId }, 20n),
  );
  const received = second.states.find(({ playerId }) => playerId === bob)!.items;
  expect(received.map(({ itemId, quantity }) => `${itemId} ${quantity}`)).toEqual(['sword 1', 'arrow 10']);
  // A whole stack keeps its id and its own growing version, a part gets a new id.
  expect(received[0]).toMatchObject({ gameItemId: sword!.gameItemId, version: 2n });
  expect(received[1]!.gameItemId).not.toBe(arrows!.gameItemId);
  expect(await pockets(ada, 3n)).toEqual(['gold 475', 'sword 1']);
  expect(await pockets(bob, 3n)).toEqual(['gold 5', 'sword 1', 'arrow 10']);
  const counts = await app.rows('select item_count from players where player_id = any($1) order by item_count', [
    [ada, bob],
  ]);
  expect(counts.map(({ item_count }) => item_count)).toEqual([1, 2]);
});

test('each refusal has its reason and changes nothing', async () => {
  const ada = await newPlayer(
    (id) => credit(id, 10n),
    (id) => grant(id, 'arrow', 10n),
  );
  const bob = await newPlayer(
    (id) => credit(id, MOST),
    (id) => grant(id, 'sword', 1500n / 2n),
    (id) => grant(id, 'arrow', 1n),
  );
  const { state } = await game.getPlayerState({ playerId: ada, minVersion: 2n });
  const arrows = state!.items[0]!.gameItemId;
  const nobody = randomUUID();
  const cases: [string, Operation[]][] = [
    ['INSUFFICIENT_BALANCE', [debit(ada, 12n)]],
    ['INSUFFICIENT_BALANCE', [debit(ada, 1n, 'gems')]],
    ['INSUFFICIENT_BALANCE', [pay(ada, bob, 12n)]],
    ['INSUFFICIENT_ITEMS', [consume(ada, { itemId: 'arrow' }, 11n)]],
    ['INSUFFICIENT_ITEMS', [consume(ada, { itemId: 'sword' })]],
    ['INSUFFICIENT_ITEMS', [consume(ada, { gameItemId: arrows }, 11n)]],
    ['INSUFFICIENT_ITEMS', [consume(bob, { gameItemId: arrows })]],
    ['INSUFFICIENT_ITEMS', [give(bob, ada, arrows)]],
    ['INSUFFICIENT_ITEMS', [give(ada, bob, arrows, 11n)]],
    ['ITEM_NOT_FOUND', [grant(ada, 'unheard-of')]],
    ['ITEM_NOT_FOUND', [consume(ada, { itemId: 'unheard-of' })]],
    ['PLAYER_NOT_FOUND', [credit(nobody, 1n)]],
    ['PLAYER_NOT_FOUND', [pay(ada, nobody, 1n)]],
    ['BALANCE_LIMIT', [pay(ada, bob, 1n)]],
    ['INVENTORY_FULL', [grant(bob, 'sword', 750n)]],
    ['TOO_MANY_ITEMS', [grant(ada, 'sword', 1001n)]],
    ['TOO_MANY_ITEMS', [grant(ada, 'sword', 600n), grant(bob, 'sword', 401n)]],
    ['TOO_MANY_ITEMS', [grant(ada, 'sword', MOST)]],
    ['TOO_MANY_ITEMS', [grant(ada, 'sword', 300n), consume(bob, { itemId: 'sword' }, 701n)]],
  ];
  for (const [reason, operations] of cases) {
    // What comes before the refused operation is undone with it.
    expect.soft(await reasonOf(apply(credit(ada, 1n), ...operations)), JSON.stringify(operations, text)).toBe(reason);
  }
  const stale = { ...transaction(credit(ada, 1n)), expectedVersions: [{ playerId: ada, version: 1n }] };
  expect(await reasonOf(game.applyTransaction(stale))).toBe('VERSION_MISMATCH');
  expect(await pockets(ada, 2n)).toEqual(['gold 10', 'arrow 10']);
  expect(await versionOf(ada)).toBe(2n);
  // A refused id is not used up.
  const again = await game.applyTransaction({ ...stale, expectedVersions: [{ playerId: ada, version: 2n }] });
  expect(again).toMatchObject({ replayed: false, states: [{ version: 3n }] });
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

test('faults of the request are INVALID_ARGUMENT with the field', async () => {
  const ada = await newPlayer();
  const faults: [string, Parameters<typeof game.applyTransaction>[0]][] = [
    ['operations', transaction(...Array.from({ length: 101 }, () => credit(ada, 1n)))],
    ['operations', transaction()],
    ['operations[0].credit.amount', transaction(credit(ada, -1n))],
    ['operations[0].credit.currency', transaction(credit(ada, 1n, 'No slug'))],
    ['operations[0].player_id', transaction(credit('not-a-uuid', 1n))],
    ['operations[0].operation', transaction({ playerId: ada })],
    ['operations[0].transfer_currency.to_player_id', transaction(pay(ada, ada.toUpperCase(), 1n))],
    [
      'expected_versions[0].player_id',
      { ...transaction(credit(ada, 1n)), expectedVersions: [{ playerId: randomUUID(), version: 1n }] },
    ],
    ['transaction_id', { ...transaction(credit(ada, 1n)), transactionId: 'x' }],
  ];
  for (const [field, request] of faults) {
    const error = (await game.applyTransaction(request).catch((fault: unknown) => fault)) as RpcError;
    const bad = error.details.find((detail) => detail.$typeName === 'google.rpc.BadRequest');
    expect.soft(bad?.fieldViolations.map((violation) => violation.field)[0], error.message).toBe(field);
  }
  expect(await versionOf(ada)).toBe(1n);
});

test('200 concurrent calls with one id have one effect and answer alike', async () => {
  const ada = await newPlayer();
  const request = transaction(credit(ada, 7n), grant(ada, 'sword'));
  const answers = await Promise.all(Array.from({ length: 200 }, () => game.applyTransaction(request)));
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, replayed: false }, text))).size).toBe(1);
  expect(await pockets(ada, 2n)).toEqual(['gold 7', 'sword 1']);
  // UUIDs are the same in either case; other content is another transaction.
  const shouted = {
    ...transaction(credit(ada.toUpperCase(), 7n), grant(ada, 'sword')),
    transactionId: request.transactionId.toUpperCase(),
  };
  expect((await game.applyTransaction(shouted)).replayed).toBe(true);
  const other = { ...transaction(credit(ada, 8n)), transactionId: request.transactionId };
  expect(await reasonOf(game.applyTransaction(other))).toBe('TRANSACTION_ID_REUSED');
});

test('transactions that come together share commits, and each is all or nothing by itself', async () => {
  const ada = await newPlayer((id) => credit(id, 10n));
  const players = await Promise.all(Array.from({ length: 60 }, () => newPlayer()));
  const good = players.map((id) => transaction(credit(id, 1n), pay(id, ada, 1n), grant(id, 'sword')));
  const bad = players.map((id) => transaction(credit(id, 5n), grant(id, 'arrow'), debit(id, 9n)));
  const answers = await Promise.all([
    ...good.map((request) => game.applyTransaction(request)),
    ...bad.map(async (request) => expect(await reasonOf(game.applyTransaction(request))).toBe('INSUFFICIENT_BALANCE')),
  ]);
  expect(answers.slice(0, good.length).map((answer) => answer?.states.length)).toEqual(good.map(() => 2));
  expect(await pockets(ada, 62n)).toEqual(['gold 70']);
  for (const id of players) expect(await pockets(id, 2n)).toEqual(['gold 0', 'sword 1']);
  const ids = [...good, ...bad].map(({ transactionId }) => transactionId);
  const stored = await app.rows('select xmin from transaction_requests where transaction_id = any($1)', [ids]);
  expect(stored).toHaveLength(good.length);
  expect(new Set(stored.map(({ xmin }) => xmin)).size).toBeLessThan(good.length / 2);
});

test('a transaction that the database fails at fails alone', async () => {
  await app.rows(`create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$`);
  await app.rows(`create trigger fail before insert on balances for each row when (new.currency = 'cursed') execute
    function fail()`);
  const players = await Promise.all(Array.from({ length: 20 }, () => newPlayer()));
  const reasons = await Promise.all(
    players.map((id, index) =>
      apply(credit(id, 1n, index === 7 ? 'cursed' : 'gold')).then(
        () => 'applied',
        (fault: RpcError) => fault.reason,
      ),
    ),
  );
  expect(reasons).toEqual(players.map((_, index) => (index === 7 ? 'INTERNAL' : 'applied')));
});

test('of 1,000 concurrent debits of 1 on a balance of 500, 500 succeed and the ledger sums to 0', async () => {
  const ada = await newPlayer((id) => credit(id, 500n));
  const reasons = await Promise.all(
    Array.from({ length: 1000 }, () =>
      apply(debit(ada, 1n)).then(
        () => 'applied',
        (fault: RpcError) => fault.reason,
      ),
    ),
  );
  expect(Object.groupBy(reasons, (reason) => reason)).toMatchObject({
    applied: { length: 500 },
    INSUFFICIENT_BALANCE: { length: 500 },
  });
  expect(await pockets(ada, 502n)).toEqual(['gold 0']);
  const [sum] = await app.rows(
    'select sum(amount)::text as sum, count(*)::int as count from transaction_entries where player_id = $1',
    [ada],
  );
  expect(sum).toEqual({ sum: '0', count: 501 });
});

test('two players trade both ways 1,000 times at once: no error, and what there is is conserved', async () => {
  const stuff = [(id: string) => credit(id, 1000n), (id: string) => grant(id, 'arrow', 640n)];
  const [ada, bob] = [await newPlayer(...stuff), await newPlayer(...stuff)];
  const arrowsOf = async (playerId: string) =>
    (await game.getPlayerState({ playerId, minVersion: 2n })).state!.items.map(({ gameItemId }) => gameItemId);
  const [adas, bobs] = [await arrowsOf(ada), await arrowsOf(bob)];
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) => {
      const [from, to, things] = index % 2 ? [ada, bob, adas] : [bob, ada, bobs];
      const operations = [pay(from, to, 1n), pay(to, from, 1n)];
      // Each of the first rounds gives away one part of a stack.
      if (index < 100) operations.push(give(from, to, things[index % 10]!, 1n));
      return apply(...operations);
    }),
  );
  const totals = await app.rows(
    `select (select sum(amount) from balances where player_id = any($1))::int as gold,
       (select sum(quantity) from game_items where owner_id = any($1))::int as arrows`,
    [[ada, bob]],
  );
  expect(totals).toEqual([{ gold: 2000, arrows: 1280 }]);
  expect(await versionOf(ada)).toBe(1002n);
});

test('a lost connection at any point of a write changes neither its effect nor its answer', async () => {
  const ada = await newPlayer();
  let killed = 0;
  let written = 0;
  const kill = async () => {
    while (killed < 10) killed += await app.killOneWriter();
  };
  // A call whose connection died again and again is UNAVAILABLE: then the same call is made again.
  const settle = async (request: Parameters<typeof game.applyTransaction>[0]): Promise<unknown> =>
    game.applyTransaction(request).catch((fault: RpcError) => {
      if (fault.reason === 'UNAVAILABLE' || fault.reason === 'RESOURCE_EXHAUSTED') return settle(request);
      throw fault;
    });
  const write = async () => {
    while (killed < 10) {
      written += 1;
      await settle(transaction(credit(ada, 1n)));
    }
  };
  await Promise.all([kill(), ...Array.from({ length: 20 }, write)]);
  expect(await pockets(ada, BigInt(written) + 1n)).toEqual([`gold ${written}`]);
});
