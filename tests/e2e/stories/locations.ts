import { randomUUID } from 'node:crypto';
import {
  ItemLocationsPart_MissingReason as MissingReason,
  GetPlayerStateRequest_View as View,
} from '@realmkeep/proto/realmkeep/player_state/v1/player_state_service';
import { until } from '@realmkeep/testkit/parts/until';
import { describe, expect, it } from 'vitest';
import { grant, handOver } from '../operations.ts';
import { outcomeOf } from '../outcome.ts';
import type { Stage } from '../stage.ts';

/** Grants and trades that show up in item-location, and what players do with them there. */
export function locationStories(stage: Stage): void {
  const openCatalog = async () => {
    const itemId = `sword-${randomUUID()}`;
    await stage.admin.catalog.createItem({ itemId, name: 'Sword', kind: 'weapon' });
    const location = { locationId: randomUUID(), name: 'Vault', areaCode: randomUUID() };
    await stage.admin.locations.createLocation(location);
    return { itemId, ...location };
  };
  const give = async (playerId: string, itemId: string, quantity: bigint, locationId?: string) => {
    const operations = [grant(playerId, itemId, quantity, locationId)];
    const { states } = await stage.server.players.applyTransaction({ transactionId: randomUUID(), operations });
    return states[0]!;
  };
  const listOf = async (filter: { playerId: string } | { areaCode: string }) =>
    (await stage.server.things.listItemLocations({ ...filter, pageSize: 100 })).itemLocations;
  /** Each listing by itself: the next one may be read on a replica that is behind. */
  const untilListed = (of: string | { areaCode: string }, count: number) =>
    until(
      async () => {
        const listed = await listOf(typeof of === 'string' ? { playerId: of } : of);
        return listed.length === count && listed;
      },
      { what: `${count} things to be listed`, within: 10_000, every: 20 },
    );

  describe('item locations', () => {
    it('show what was granted, with its names, and follow it to another owner', async () => {
      const { itemId, locationId, areaCode } = await openCatalog();
      const [ada, brin] = [await stage.player('Ada'), await stage.player('Brin')];
      const { items } = await give(ada, itemId, 3n, locationId);
      await untilListed(ada, 3);
      const [first] = await untilListed({ areaCode }, 3);
      expect(first).toMatchObject({
        itemId,
        itemName: 'Sword',
        itemKind: 'weapon',
        quantity: 1n,
        ownerId: ada,
        ownerName: 'Ada',
        locationId,
        locationName: 'Vault',
        areaCode,
      });
      const operations = [handOver(ada, brin, items[0]!.gameItemId)];
      await stage.server.players.applyTransaction({ transactionId: randomUUID(), operations });
      const [handed] = await untilListed(brin, 1);
      await untilListed(ada, 2);
      expect(handed).toMatchObject({ ownerName: 'Brin', locationId, sourceVersion: 2n });
    });

    it('are moved by their owner over gRPC-Web, once a request id, and not by another', async () => {
      const { itemId, locationId } = await openCatalog();
      const [ada, brin] = [await stage.player('Ada'), await stage.player('Brin')];
      const { items } = await give(ada, itemId, 1n);
      await untilListed(ada, 1);
      const moves = [{ gameItemId: items[0]!.gameItemId, locationId, position: { x: 1.5, y: 0, z: -2 } }];
      const browserOf = async (player: string) =>
        stage.connect({ token: await stage.token('player', player), web: true }).things;

      const stranger = await browserOf(brin);
      expect(await outcomeOf(stranger.moveItems({ requestId: randomUUID(), moves }))).toEqual({
        code: 'PERMISSION_DENIED',
        reason: 'NOT_OWNER',
      });
      const requestId = randomUUID();
      const owner = await browserOf(ada);
      const moved = await owner.moveItems({ requestId, moves });
      const again = await owner.moveItems({ requestId, moves });
      expect(moved.itemLocations[0]).toMatchObject({ locationId, position: { x: 1.5, z: -2 }, version: 2n });
      expect(again).toEqual({ ...moved, replayed: true });
    });

    it('are watched over gRPC-Web: what there is at once, then each change, by their owner and nobody else', async () => {
      const { itemId, locationId } = await openCatalog();
      const [ada, brin] = [await stage.player('Ada'), await stage.player('Brin')];
      const watch = async function* (as: string, filter: { playerId: string } | { locationId: string }) {
        const { things } = stage.connect({ token: await stage.token('player', as), web: true });
        for await (const step of things.watchItemLocations(filter)) if (step.version > 0n) yield step;
      };
      const reach = async (steps: ReturnType<typeof watch>, count: number) => {
        for await (const { itemLocations } of { [Symbol.asyncIterator]: () => ({ next: () => steps.next() }) }) {
          if (itemLocations.length === count) return itemLocations;
        }
        return [];
      };
      await give(ada, itemId, 2n);
      await untilListed(ada, 2);
      const [own, place] = [watch(ada, { playerId: ada }), watch(brin, { locationId })];
      expect(await reach(own, 2)).toMatchObject([{ ownerName: 'Ada' }, { ownerName: 'Ada' }]);
      await give(ada, itemId, 1n, locationId);
      expect(await reach(own, 3)).toHaveLength(3);
      expect(await reach(place, 1)).toMatchObject([{ ownerId: ada, locationId, locationName: 'Vault' }]);
      await Promise.all([own.return(undefined), place.return(undefined)]);
      expect(await outcomeOf(watch(brin, { playerId: ada }).next())).toEqual({
        code: 'PERMISSION_DENIED',
        reason: 'FILTER_NOT_ALLOWED',
      });
    });

    it('are listed page by page, each exactly once, and a token of one query is refused by another', async () => {
      const { itemId } = await openCatalog();
      const [ada, brin] = [await stage.player(), await stage.player()];
      await give(ada, itemId, 7n);
      await untilListed(ada, 7);
      const pages = async () => {
        const seen: string[] = [];
        let [pageToken, tokenOfAda] = ['', ''];
        do {
          const page = await stage.server.things.listItemLocations({ playerId: ada, pageSize: 3, pageToken });
          seen.push(...page.itemLocations.map((it) => it.gameItemId));
          pageToken = page.nextPageToken;
          tokenOfAda ||= pageToken;
        } while (pageToken !== '');
        return seen.length > 0 && { seen, tokenOfAda };
      };
      // The first page may be read on a replica that is behind; those after it are never older.
      const { seen, tokenOfAda } = await until(pages, { what: 'pages of things', within: 10_000 });
      expect(seen).toEqual((await listOf({ playerId: ada })).map((it) => it.gameItemId));
      expect(seen).toHaveLength(7);

      const refused = { code: 'INVALID_ARGUMENT', reason: 'PAGE_TOKEN_INVALID' };
      const { things, players } = stage.server;
      expect(await outcomeOf(things.listItemLocations({ playerId: brin, pageToken: tokenOfAda }))).toEqual(refused);
      expect(await outcomeOf(things.listItemLocations({ itemId, pageToken: tokenOfAda }))).toEqual(refused);
      expect(await outcomeOf(players.listTransactions({ playerId: ada, pageToken: tokenOfAda }))).toEqual(refused);
    });

    it('are part of the FULL view, which says so while item-location is away and has them again when it is back', async () => {
      const { itemId, locationId } = await openCatalog();
      const ada = await stage.player();
      const { version } = await give(ada, itemId, 2n, locationId);
      const read = async () =>
        stage.server.players.getPlayerState({ playerId: ada, view: View.FULL, minVersion: version });
      const untilThere = () =>
        until(async () => (await read()).itemLocations?.missingReason === MissingReason.UNSPECIFIED, {
          what: 'the FULL view to have the item locations',
          within: 20_000,
          every: 50,
        });
      await untilThere();
      expect((await read()).itemLocations?.itemLocations).toHaveLength(2);

      const [itemLocation] = stage.realm.services['item-location'];
      await itemLocation.stop();
      const degraded = await read();
      expect(degraded.itemLocations).toMatchObject({ missingReason: MissingReason.UNAVAILABLE, itemLocations: [] });
      expect(degraded.state?.items).toHaveLength(2);
      await itemLocation.start();
      await untilThere();
    });
  });
}
