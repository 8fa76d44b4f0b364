import pg from 'pg';
import { loadEvents, unseenPlayers } from './area-stats.ts';
import { readCatalog } from './catalog.ts';
import { loadItemLocations, loadWorld, replaceFollower, unknownPlayers } from './item-location.ts';
import { makePlay } from './play.ts';
import { makePlayer, playerIdOf } from './player.ts';
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

    const byIndex = Array.from({ length: players }, (_, index) => index);
    const byId = inOrderOfIds(byIndex, seed);

    await inChunks('what players have', byId, progress, async (indices) => {
      const fresh = await without(indices, seed, (ids) => missingPlayers(playerState, ids));
      const made = fresh.map((index) => makePlayer(makings, index));
      await loadPlayers(playerState, made);
      added.players += made.length;
      for (const { items, transactions } of made) {
        added.items += items.length;
        added.ledgerEntries += transactions.reduce((sum, it) => sum + it.entries.length, 0);
      }
    });

    let replaced = false;
    await inChunks('where things are', byIndex, progress, async (indices) => {
      const fresh = await without(indices, seed, (ids) => unknownPlayers(itemLocation, ids));
      if (fresh.length > 0 && !replaced) {
        await replaceFollower(itemLocation);
        replaced = true;
      }
      const made = fresh.map((index) => makePlayer(makings, index));
      await loadItemLocations(itemLocation, made);
      added.itemLocations += made.reduce((sum, { items }) => sum + items.length, 0);
    });

    await inChunks('what is played', byId, progress, async (indices) => {
      const plays = indices.map((index) => makePlay(makings, index));
      const unseen = await unseenPlayers(areaStats, plays);
      const fresh = plays.filter((play) => unseen.has(play.playerId));
      await loadEvents(areaStats, fresh);
      added.events += fresh.reduce((sum, { events }) => sum + events.length, 0);
    });

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

/**
 * The players in the order of their ids: rows whose keys begin with a player's id then go to the end of their indexes
 * rather than to random places, which is what a large load costs. Ids of things are in the order of the indices.
 */
function inOrderOfIds(indices: number[], seed: number): number[] {
  const ids = indices.map((index) => playerIdOf(seed, index));
  return indices.toSorted((one, other) => (ids[one]! < ids[other]! ? -1 : 1));
}

/** Does a phase's work for all players, some at a time. */
async function inChunks(
  phase: string,
  players: number[],
  progress: Progress,
  work: (indices: number[]) => Promise<void>,
): Promise<void> {
  progress.begin(phase, players.length);
  for (let start = 0; start < players.length; start += chunk) {
    const indices = players.slice(start, start + chunk);
    await work(indices);
    progress.advance(indices.length);
  }
}

/** Those of the players that a database misses. */
async function without(
  indices: number[],
  seed: number,
  missing: (playerIds: string[]) => Promise<Set<string>>,
): Promise<number[]> {
  const ids = indices.map((index) => playerIdOf(seed, index));
  const absent = await missing(ids);
  return indices.filter((_, place) => absent.has(ids[place]!));
}
