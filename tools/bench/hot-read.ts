import pg from 'pg';
import { drawByZipf } from './draws.ts';
import { inTurns, type Target } from './figures.ts';
import { GET, getRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import { type Compared, compareRates, tallyText } from './result.ts';
import type { Bench, Row } from './row.ts';
import { sampleAnswers } from './sample.ts';
import type { Echo, Server } from './stand.ts';

export const hotRead: Row = {
  name: 'hot-read',
  about: 'GetPlayerState by Zipf from one process, beside a bare grpc-js server with ready bytes',
  run: async (bench) => {
    const reads = await hotReads(bench);
    return compareReads(bench, {
      row: 'hot-read',
      reads,
      server: bench.stand.service,
      source: 'l1',
      bar: { atLeast: 0.8 },
    });
  },
};

export const l2Read: Row = {
  name: 'l2-read',
  about: 'the same with L1 off: every read is a hit in Valkey',
  run: async (bench) => {
    const reads = await hotReads(bench);
    const server = await bench.stand.second({ CACHE_L1_MAX_BYTES: '0' });
    return compareReads(bench, { row: 'l2-read', reads, server, source: 'l2', bar: { atLeast: 0.5 } });
  },
};

/** Hot reads of one process, and the echo that is their reference. */
export type HotReads = { ours: (server: Server) => Target; reference: Target; echo: Echo };

/** Reads by Zipf over all players; the answers that the echo was made from are drawn alike. */
export async function hotReads({ stand }: Pick<Bench, 'stand'>, mark?: Record<string, string>): Promise<HotReads> {
  const { playerIds, token } = stand;
  const messages = playerIds.map(getRequest);
  const echo = await stand.echo({ path: GET, requests: drawByZipf(messages, 300, 1), ...(mark && { mark }) });
  const target = { path: GET, token, requests: packRequests(messages), draw: 'zipf' as const };
  return {
    ours: ({ address, pid }) => ({ ...target, address, pid, name: 'GetPlayerState' }),
    reference: { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
    echo,
  };
}

async function compareReads(
  { stand, pace, load, say, players }: Bench,
  compared: { row: string; reads: HotReads; server: Server; source: string; bar: { atLeast: number } },
): Promise<Compared> {
  const { row, reads, server, source, bar } = compared;
  const targets = [reads.reference, reads.ours(server)];
  const [reference, ours] = await inTurns({ targets, pace, load: () => load, say });
  const requests = drawByZipf(stand.playerIds.map(getRequest), 300, 1);
  const answers = await sampleAnswers({ address: server.address, path: GET, token: stand.token, requests });
  const sources = answers.map(({ headers }) => headers['realmkeep-source'] ?? 'untold');
  return compareRates(row, ours!, reference!, bar, [
    `${players.toLocaleString('en')} players by Zipf, answers of ${reads.echo.payloadBytes} bytes, ${pace.connections * pace.streams} in flight, load by ${load.name}`,
    `of 300 reads afterwards: ${tallyText(sources)}${sources.includes(source) ? '' : `; none from ${source}: that cache is not there yet`}`,
  ]);
}

/** The ids of all players, in order. */
export async function playerIds(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ player_id: string }>('select player_id from players order by player_id');
    return rows.map((row) => row.player_id);
  } finally {
    await client.end();
  }
}
