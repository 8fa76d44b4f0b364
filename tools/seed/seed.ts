import pg from 'pg';
import { loadEvents, unseenPlayers } from './area-stats.ts';
import { readCatalog } from './catalog.ts';
import { loadItemLocations, loadWorld, replaceFollower, unknownPlayers } from './item-location.ts';
import { type Makings, makePlayer, type SeededPlayer } from './player.ts';
import { loadCatalog, loadPlayers, missingPlayers, monthBegin } from './player-state.ts';
import { createWorld } from './world.ts';

/** The services' databases as their owners reach them, on the primary. */
export type SeedUrls = { playerState: string; itemLocation: string; areaStats: string };

/** What was added; what was there already is not counted. */
export type Added = {
  catalogItems: number;
  players: number;
  items: number;
  ledgerEntries: number;
  itemLocations: number;
  events: number;
};

/** Hears of the work: a phase of `total` players begins, so many of them are done. */
export type Progress = { begin: (phase: string, total: number) => void; advance: (players: number) => void };

const chunk = 2_500;

/**
 * Fills the three databases with players 1 to `players` of `seed`, in transactions of 2,500 players. Players that are
 * there are left as they are, so a run that was broken off is completed by the same run. Player-state comes first:
 * nothing is ever anywhere before it is somebody's.
 */
export async function seedRealm({
  urls,
  players,
  seed,
  progress,
}: {
  urls: SeedUrls;
  players: number;
  seed: number;
  progress: Progress;
}): Promise<Added> {
  const playerState = await connect(urls.playerState);
  const itemLocation = await connect(urls.itemLocation);
  const areaStats = await connect(urls.areaStats);
  try {
    const world = createWorld();
    const { added: catalogItems, catalog } = await loadCatalog(playerState, readCatalog());
    await loadWorld(itemLocation, world.places, catalog);
    const until = new Date();
    const makings = { seed, catalog, world, since: monthBegin(until), until };
    const added = { catalogItems, players: 0, items: 0, ledgerEntries: 0, itemLocations: 0, events: 0 };

    progress.begin('what players have', players);
    for (const some of chunks(makings, players)) {
      const missing = await missingPlayers(playerState, idsOf(some));
      const fresh = some.filter((player) => missing.has(player.playerId));
      if (fresh.length > 0) {
        await loadPlayers(playerState, fresh);
      }
      added.players += fresh.length;
      for (const { items, transactions } of fresh) {
        added.items += items.length;
        added.ledgerEntries += transactions.reduce((sum, it) => sum + it.entries.length, 0);
      }
      progress.advance(some.length);
    }

    progress.begin('where things are', players);
    let replaced = false;
    for (const some of chunks(makings, players)) {
      const missing = await unknownPlayers(itemLocation, idsOf(some));
      const fresh = some.filter((player) => missing.has(player.playerId));
      if (fresh.length > 0 && !replaced) {
        await replaceFollower(itemLocation);
        replaced = true;
      }
      if (fresh.length > 0) {
        await loadItemLocations(itemLocation, fresh);
      }
      added.itemLocations += fresh.reduce((sum, { items }) => sum + items.length, 0);
      progress.advance(some.length);
    }

    progress.begin('what is played', players);
    for (const some of chunks(makings, players)) {
      const missing = await unseenPlayers(areaStats, some);
      const fresh = some.filter((player) => missing.has(player.playerId));
      if (fresh.length > 0) {
        await loadEvents(areaStats, fresh);
      }
      added.events += fresh.reduce((sum, { events }) => sum + events.length, 0);
      progress.advance(some.length);
    }

    if (added.players > 0) {
      // The planner's statistics follow by themselves, but only after a while.
      await Promise.all([playerState, itemLocation, areaStats].map((client) => client.query('analyze')));
    }
    return added;
  } finally {
    await Promise.all([playerState.end(), itemLocation.end(), areaStats.end()]);
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'realmkeep-seed' });
  await client.connect();
  return client;
}

function* chunks(makings: Makings, players: number): Generator<SeededPlayer[]> {
  for (let start = 0; start < players; start += chunk) {
    const size = Math.min(chunk, players - start);
    yield Array.from({ length: size }, (_, offset) => makePlayer(makings, start + offset));
  }
}

function idsOf(players: SeededPlayer[]): string[] {
  return players.map((player) => player.playerId);
}
