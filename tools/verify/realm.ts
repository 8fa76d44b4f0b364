import pg from 'pg';
import { areaStatsVerifications } from './area-stats.ts';
import { followedVerification, placedVerification } from './item-location.ts';
import { playerStateVerifications } from './player-state.ts';
import type { Verification } from './verification.ts';

/** The services' databases as their owners reach them, on the primary. */
export type VerifyUrls = { playerState: string; itemLocation: string; areaStats: string };

/** Connects to the databases, lends all verifications of them, and closes the connections. */
export async function withVerifications<T>(
  urls: VerifyUrls,
  work: (verifications: Verification[]) => Promise<T>,
): Promise<T> {
  const clients = [urls.playerState, urls.itemLocation, urls.areaStats].map(
    (connectionString) => new pg.Client({ connectionString, application_name: 'realmkeep-verify' }),
  ) as [pg.Client, pg.Client, pg.Client];
  const [playerState, itemLocation, areaStats] = clients;
  try {
    for (const client of clients) {
      await client.connect();
      await client.query("set jit = off; set work_mem = '64MB'; set default_transaction_read_only = on");
    }
    return await work([
      ...playerStateVerifications(playerState),
      followedVerification(playerState, itemLocation),
      placedVerification(playerState, itemLocation),
      ...areaStatsVerifications(areaStats),
    ]);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
