import { randomUUID } from 'node:crypto';
import type { PlayerState } from '@realmkeep/proto/realmkeep/player_state/v1/player';
import {
  ItemLocationsPart_MissingReason as MissingReason,
  GetPlayerStateRequest_View as View,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import type { Cast, Hero } from './cast.ts';
import type { Party } from './clients.ts';
import type { Narrator } from './narrator.ts';
import { refusalOf } from './refusal.ts';
import { createStatsBoard, type StatsBoard } from './stats-board.ts';
import { failAfter, timed } from './timing.ts';

/** Who takes part: the studio's admin and game server over gRPC, the players over gRPC-Web as a browser is. */
export type Parties = { admin: Party; server: Party; ada: Party; brin: Party };

type Scene = { cast: Cast; parties: Parties; narrator: Narrator; board: StatsBoard };

/** Plays one evening from the opening of the realm to the last logout. Rejects when an answer is not what it must be. */
export async function playEvening(stage: Omit<Scene, 'board'>): Promise<void> {
  const { cast, parties, narrator } = stage;
  const scene = { ...stage, board: createStatsBoard({ cast, server: parties.server, narrator }) };
  await openRealm(scene);
  await arrive(scene);
  await equip(scene);
  await trade(scene);
  await refuse(scene);
  await stow(scene);
  await leave(scene);
}

async function openRealm({ cast, parties, narrator }: Scene): Promise<void> {
  narrator.chapter('1. The studio opens the realm (admin, gRPC)');
  for (const item of [cast.sword, cast.arrows]) {
    const answer = await timed(() => parties.admin.catalog.createItem(item));
    narrator.heard(
      `CreateItem ${item.itemId}`,
      `${answer.it.item?.name}, stacks of ${answer.it.item?.maxStack}`,
      answer.ms,
    );
  }
  for (const place of [cast.square, cast.vault]) {
    const answer = await timed(() => parties.admin.locations.createLocation({ ...place, areaCode: cast.area }));
    narrator.heard(`CreateLocation`, `${answer.it.location?.name}, in area ${answer.it.location?.areaCode}`, answer.ms);
  }
}

async function arrive({ cast, parties, narrator, board }: Scene): Promise<void> {
  narrator.chapter('2. Three players arrive (game server, REST)');
  await board.untilCount(0);
  for (const hero of heroes(cast)) {
    const created = await timed(() =>
      parties.server.rest.post<{ version: string }>('/v1/players', {
        player_id: hero.playerId,
        display_name: hero.name,
      }),
    );
    narrator.heard('POST /v1/players', `${hero.name} is there, version ${created.it.version}`, created.ms);
    await board.report(hero, 'LOGIN');
  }
  await board.untilCount(3);
}

async function equip({ cast, parties, narrator }: Scene): Promise<void> {
  narrator.chapter('3. Starter packs, in one transaction (game server, gRPC)');
  const operations = heroes(cast).flatMap(({ playerId }) => [
    { playerId, operation: { case: 'credit' as const, value: { currency: 'gold', amount: 500n } } },
    {
      playerId,
      operation: {
        case: 'grantItem' as const,
        value: { itemId: cast.arrows.itemId, quantity: 100n, locationId: cast.square.locationId },
      },
    },
  ]);
  const sword = { itemId: cast.sword.itemId, quantity: 1n, locationId: cast.square.locationId };
  operations.push({ playerId: cast.ada.playerId, operation: { case: 'grantItem', value: sword } });
  const granted = await timed(() =>
    parties.server.players.applyTransaction({ transactionId: randomUUID(), operations }),
  );
  const versions = granted.it.states.map((state) => state.version).join(', ');
  narrator.heard(
    `ApplyTransaction, ${operations.length} operations`,
    `three players at versions ${versions}`,
    granted.ms,
  );

  narrator.say("Ada's browser reads her state, and where her things are (gRPC-Web):");
  const committed = performance.now();
  const minVersion = granted.it.states.find((state) => state.playerId === cast.ada.playerId)!.version;
  for (;;) {
    const read = await timed(() =>
      parties.ada.players.getPlayerState({ playerId: cast.ada.playerId, view: View.FULL, minVersion }),
    );
    const part = read.it.itemLocations!;
    if (part.missingReason === MissingReason.UNSPECIFIED) {
      narrator.heard('GetPlayerState view=FULL', describe(read.it.state!), read.ms);
      const places = part.itemLocations.map((it) => `${it.quantity} ${it.itemName} at ${it.locationName}`).join('; ');
      const lag = (performance.now() - committed).toFixed(0);
      narrator.say(`item-location follows ${lag} ms after the commit was answered: ${places}`);
      return;
    }
    narrator.heard('GetPlayerState view=FULL', `item locations: ${MissingReason[part.missingReason]}`, read.ms);
    failAfter(committed, 10_000, 'the item locations did not follow');
  }
}

async function trade({ cast, parties, narrator }: Scene): Promise<void> {
  narrator.chapter('4. Ada sells her sword to Brin for 120 gold, all or nothing (game server, gRPC)');
  const before = await parties.ada.players.getPlayerState({ playerId: cast.ada.playerId });
  const sword = before.state!.items.find((item) => item.itemId === cast.sword.itemId)!;
  const request = {
    transactionId: randomUUID(),
    operations: [
      {
        playerId: cast.ada.playerId,
        operation: {
          case: 'transferItem' as const,
          value: { toPlayerId: cast.brin.playerId, gameItemId: sword.gameItemId, quantity: 1n },
        },
      },
      {
        playerId: cast.brin.playerId,
        operation: {
          case: 'transferCurrency' as const,
          value: { toPlayerId: cast.ada.playerId, currency: 'gold', amount: 120n },
        },
      },
    ],
    expectedVersions: [{ playerId: cast.ada.playerId, version: before.state!.version }],
  };
  const traded = await timed(() => parties.server.players.applyTransaction(request));
  narrator.heard('ApplyTransaction', `replayed ${traded.it.replayed}, ${goldOf(traded.it.states, cast)}`, traded.ms);
  narrator.say('The game server lost the answer and asks again with the same id:');
  const again = await timed(() => parties.server.players.applyTransaction(request));
  narrator.heard('ApplyTransaction', `replayed ${again.it.replayed}, ${goldOf(again.it.states, cast)}`, again.ms);
  if (!again.it.replayed) {
    throw new Error('the repeated transaction was applied again');
  }
}

async function refuse({ cast, parties, narrator }: Scene): Promise<void> {
  narrator.chapter('5. What is not allowed does not happen');
  const castle = {
    transactionId: randomUUID(),
    operations: [
      {
        playerId: cast.cyrus.playerId,
        operation: { case: 'debit' as const, value: { currency: 'gold', amount: 10_000n } },
      },
    ],
  };
  narrator.say('Cyrus wants a castle for 10,000 gold (game server, gRPC):');
  const poor = await timed(() => refusalOf(parties.server.players.applyTransaction(castle)));
  narrator.heard('ApplyTransaction', poor.it, poor.ms);
  const path = `/v1/players/${cast.cyrus.playerId}/state`;
  const state = await timed(() =>
    parties.server.rest.get<{ state: { version: string; balances: { currency: string; amount: string }[] } }>(path),
  );
  const left = state.it.state.balances.map((balance) => `${balance.amount} ${balance.currency}`).join(', ');
  narrator.heard(`GET /v1/players/<Cyrus>/state`, `still ${left}, version ${state.it.state.version}`, state.ms);
  narrator.say("Ada's browser tries to look into Brin's pockets (gRPC-Web):");
  const nosy = await timed(() => refusalOf(parties.ada.players.getPlayerState({ playerId: cast.brin.playerId })));
  narrator.heard('GetPlayerState', nosy.it, nosy.ms);
}

async function stow({ cast, parties, narrator }: Scene): Promise<void> {
  narrator.chapter('6. Brin carries the sword to his vault (his browser, gRPC-Web)');
  const begin = performance.now();
  const list = () => parties.brin.things.listItemLocations({ playerId: cast.brin.playerId, pageSize: 100 });
  let sword = (await list()).itemLocations.find((it) => it.itemId === cast.sword.itemId);
  while (sword === undefined) {
    failAfter(begin, 10_000, 'the sword did not change hands in item-location');
    sword = (await list()).itemLocations.find((it) => it.itemId === cast.sword.itemId);
  }
  narrator.say(`The sword is ${sword.ownerName}'s, version ${sword.version}, at ${sword.locationName}.`);
  const moves = [
    { gameItemId: sword.gameItemId, locationId: cast.vault.locationId, position: { x: 12.5, y: 0, z: -3 } },
  ];
  const moved = await timed(() => parties.brin.things.moveItems({ requestId: randomUUID(), moves }));
  const now = moved.it.itemLocations[0]!;
  narrator.heard('MoveItems', `${now.itemName} at ${now.locationName}, version ${now.version}`, moved.ms);
  const listing = await timed(() =>
    parties.server.rest.get<{ item_locations: { item_name: string; owner_name: string }[] }>(
      `/v1/item-locations?location_id=${cast.vault.locationId}`,
    ),
  );
  const there = listing.it.item_locations.map((it) => `${it.owner_name}'s ${it.item_name}`).join(', ');
  narrator.heard('GET /v1/item-locations?location_id=<vault>', there, listing.ms);
}

async function leave({ cast, parties, narrator, board }: Scene): Promise<void> {
  narrator.chapter('7. The evening ends (game server, REST)');
  await board.report(cast.cyrus, 'LOGOUT');
  await board.untilCount(2);
  const ledger = await timed(() => parties.ada.players.listTransactions({ playerId: cast.ada.playerId }));
  const gold = ledger.it.transactions.flatMap((it) => it.entries).filter((entry) => entry.currency === 'gold');
  const amounts = gold.map((entry) => entry.amount).reverse();
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  narrator.say("Ada's browser checks her ledger (gRPC-Web):");
  narrator.heard('ListTransactions', `gold: ${amounts.join(' + ')} = ${sum}`, ledger.ms);
  for (const hero of [cast.ada, cast.brin]) {
    await board.report(hero, 'LOGOUT');
  }
  await board.untilCount(0);
}

function heroes(cast: Cast): Hero[] {
  return [cast.ada, cast.brin, cast.cyrus];
}

function describe(state: PlayerState): string {
  const balances = state.balances.map((balance) => `${balance.amount} ${balance.currency}`);
  const items = state.items.map((item) => `${item.quantity} ${item.itemId}`);
  return `${state.displayName}, version ${state.version}: ${[...balances, ...items].join(', ')}`;
}

function goldOf(states: { playerId: string; balances: { currency: string; amount: bigint }[] }[], cast: Cast): string {
  const name = (playerId: string) => heroes(cast).find((hero) => hero.playerId === playerId)!.name;
  return states.map((state) => `${name(state.playerId)} ${state.balances[0]?.amount} gold`).join(', ');
}
