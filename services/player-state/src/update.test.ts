import { randomUUID } from 'node:crypto';
import { codeName, RpcError } from '@realmkeep/kit/errors/rpc-error';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { PlayerStateService } from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApp, type TestApp } from '../test/app.ts';
import { credit, grant, transaction } from '../test/operations.ts';

let app: TestApp;
let game: Awaited<ReturnType<typeof players>>;
let catalog: Awaited<ReturnType<typeof items>>;

const players = () => app.as(PlayerStateService, 'server');
const items = () => app.as(ItemCatalogService, 'admin');

beforeAll(async () => {
  app = await openTestApp();
  [game, catalog] = await Promise.all([players(), items()]);
});
afterAll(() => app.close());

async function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (fault: unknown) => (fault instanceof RpcError ? fault.reason : String(fault)),
  );
}

/** The events about an id in the outbox, oldest first. */
async function events(noun: 'player' | 'item', key: string, id: string): Promise<unknown[]> {
  const rows = await app.rows<{ event: unknown }>(
    'select event->$1 as event from outbox where event->$1->>$2 = $3 order by xid, id',
    [noun, key, id],
  );
  return rows.map(({ event }) => event);
}

test('a player is renamed once however often it is asked, with one more version and one event', async () => {
  const playerId = randomUUID();
  const created = await game.createPlayer({ playerId, displayName: 'Ada' });
  const rename = { playerId: playerId.toUpperCase(), displayName: 'Adele', expectedVersion: 1n };
  const answers = await Promise.all(Array.from({ length: 20 }, () => game.updatePlayer(rename)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ player: { ...created.player, displayName: 'Adele' }, version: 2n });
  const { state } = await game.getPlayerState({ playerId, minVersion: 2n });
  expect(state).toMatchObject({ displayName: 'Adele', version: 2n });

  expect(await reasonOf(game.updatePlayer({ playerId, displayName: 'Adela', expectedVersion: 1n }))).toBe(
    'VERSION_MISMATCH',
  );
  expect(await reasonOf(game.updatePlayer({ playerId: randomUUID(), displayName: 'x' }))).toBe('PLAYER_NOT_FOUND');
  await game.applyTransaction(transaction(credit(playerId, 1n)));
  expect((await game.updatePlayer({ playerId, displayName: 'Adela' })).version).toBe(4n);
  expect(await events('player', 'playerId', playerId)).toEqual([
    { playerId, displayName: 'Ada', version: '1' },
    { playerId, displayName: 'Adele', version: '2' },
    { playerId, displayName: 'Adela', version: '3' },
  ]);
  const [row] = await app.rows(
    `select (outbox_xid, outbox_id) = (select o.xid, o.id from outbox o order by o.xid desc, o.id desc limit 1) as at_last
     from players where player_id = $1`,
    [playerId],
  );
  expect(row).toEqual({ at_last: true });

  // Its creation is still known by what it was created with.
  expect(await game.createPlayer({ playerId, displayName: 'Ada' })).toEqual(created);
  expect(await reasonOf(game.createPlayer({ playerId, displayName: 'Adela' }))).toBe('PLAYER_ID_REUSED');
});

test('an item changes in the given fields alone, and a new stack size holds for grants from then on', async () => {
  const shield = { itemId: 'shield', name: 'Shield', kind: 'armour', maxStack: 4n };
  const created = await catalog.createItem(shield);
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ada' });
  await game.applyTransaction(transaction(grant(playerId, 'shield', 4n)));

  const change = { itemId: 'shield', kind: 'relic', maxStack: 2n, expectedVersion: 1n };
  const answers = await Promise.all(Array.from({ length: 10 }, () => catalog.updateItem(change)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]!.item).toEqual({ ...created.item!, kind: 'relic', maxStack: 2n, version: 2n });
  await game.applyTransaction(transaction(grant(playerId, 'shield', 4n)));
  const { state } = await game.getPlayerState({ playerId, minVersion: 3n });
  expect(state!.items.map(({ kind, quantity }) => `${kind} ${quantity}`)).toEqual(['relic 4', 'relic 2', 'relic 2']);

  // Of concurrent changes of different fields none is lost.
  await Promise.all([
    catalog.updateItem({ itemId: 'shield', name: 'Aegis' }),
    catalog.updateItem({ itemId: 'shield', maxStack: 8n }),
  ]);
  expect((await catalog.updateItem({ itemId: 'shield' })).item).toMatchObject({
    name: 'Aegis',
    kind: 'relic',
    maxStack: 8n,
    version: 4n,
  });
  expect(await reasonOf(catalog.updateItem({ ...change, kind: 'junk' }))).toBe('VERSION_MISMATCH');
  expect(await reasonOf(catalog.updateItem({ itemId: 'unheard-of', name: 'x' }))).toBe('ITEM_NOT_FOUND');
  for (const bad of [{ name: '' }, { kind: 'a\tb' }, { maxStack: 0n }]) {
    expect.soft(await reasonOf(catalog.updateItem({ itemId: 'shield', ...bad }))).toBe('INVALID_ARGUMENT');
  }
  const seen = (await events('item', 'itemId', 'shield')) as { name: string; kind: string; version: string }[];
  expect(seen.map(({ version }) => version)).toEqual(['1', '2', '3', '4']);
  expect(seen.at(-1)).toMatchObject({ name: 'Aegis', kind: 'relic' });
  expect(await catalog.createItem(shield)).toEqual(created);
  expect(await reasonOf(catalog.createItem({ ...shield, name: 'Aegis' }))).toBe('ITEM_ID_REUSED');
});

test('a search finds what begins with the text, then what is like it, best first', async () => {
  const names = ['Iron Sword', 'Iron Ore', 'Iron', 'Swordfish', 'Golden Sword', '100% Wool', 'Sworn Oath'];
  for (const name of names) {
    const itemId = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
    await catalog.createItem({ itemId, name, kind: 'thing' });
  }
  await app.database.replicated();
  const search = async (query: string, pageSize?: number) => {
    const found = await catalog.searchItems({ query, ...(pageSize && { pageSize }) });
    return found.items.map(({ name }) => name);
  };
  expect(await search('iron')).toEqual(['Iron', 'Iron Ore', 'Iron Sword']);
  expect(await search(' IRON_s ')).toEqual(['Iron Sword', 'Iron', 'Iron Ore']);
  expect(await search('iron', 1)).toEqual(['Iron']);
  expect(await search('sword')).toEqual(['Swordfish', 'Iron Sword', 'Golden Sword', 'Sworn Oath']);
  expect((await search('golden swrod')).at(0)).toBe('Golden Sword');
  expect(await search('100%')).toEqual(['100% Wool']);
  expect(await search('%')).toEqual([]);
  expect(await search('zebra')).toEqual([]);
  for (const query of ['', '  ', 'a\nb', 'x'.repeat(256)]) {
    expect.soft(await reasonOf(catalog.searchItems({ query }))).toBe('INVALID_ARGUMENT');
  }
});

test('without a partition for the month, and no right to make one, a write is refused and not lost', async () => {
  const playerId = randomUUID();
  await game.createPlayer({ playerId, displayName: 'Ada' });
  await app.rows(`
    do $$ declare name text; begin
      for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('transactions'::regclass, 'transaction_entries'::regclass)
      loop execute format('drop table %I', name); end loop;
      perform runtime_may('', 'function ensure_ledger_partitions()');
    end $$`);
  const request = transaction(credit(playerId, 5n));
  const fault = await game.applyTransaction(request).catch((error: RpcError) => error);
  expect(codeName((fault as RpcError).code)).toBe('UNAVAILABLE');
  expect(await app.rows('select version from players where player_id = $1', [playerId])).toEqual([{ version: '1' }]);
  await app.rows("select runtime_may('execute', 'function ensure_ledger_partitions()')");
  // The same call again makes the partition itself.
  expect(await game.applyTransaction(request)).toMatchObject({ replayed: false, states: [{ version: 2n }] });
});
