import { drawByZipf, shuffle } from './draws.ts';
import { inTurns, type Target } from './figures.ts';
import { ownLoad } from './load.ts';
import { GET, getRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import { type Compared, compareRates, tallyText } from './result.ts';
import type { Bench, Row } from './row.ts';
import { sampleAnswers } from './sample.ts';
import type { Echo, Server } from './stand.ts';

/** As many as are read often enough to stay in L1 over its short life. */
const HOT = 1_000;

export const hotRead: Row = {
  name: 'hot-read',
  about: 'GetPlayerState of players in L1, one process, beside a bare grpc-js server with ready bytes',
  run: async (bench) => {
    const reads = await hotReads(bench);
    const { service } = bench.stand;
    return compareReads(bench, { row: 'hot-read', reads, server: service, source: 'l1', bar: { atLeast: 0.8 } });
  },
};

export const zipfRead: Row = {
  name: 'zipf-read',
  about: 'the same over all players by Zipf: what L1, Valkey and Postgres answer together',
  run: async (bench) => {
    const reads = await hotReads(bench, { most: bench.players });
    const own = { ...bench, load: ownLoad };
    return compareReads(own, { row: 'zipf-read', reads, server: bench.stand.service, source: 'l1' });
  },
};

export const l2Read: Row = {
  name: 'l2-read',
  about: 'the hot ones with L1 off: every read is a hit in Valkey',
  run: async (bench) => {
    const reads = await hotReads(bench);
    const server = await bench.stand.second({ CACHE_L1_MAX_BYTES: '0' });
    return compareReads(bench, { row: 'l2-read', reads, server, source: 'l2', bar: { atLeast: 0.5 } });
  },
};

/** Hot reads of one process, and the echo that is their reference. */
export type HotReads = {
  ours: (server: Server) => Target;
  reference: Target;
  echo: Echo;
  /** Every request that is drawn from. */
  messages: Uint8Array[];
};

/** Reads by Zipf over `most` players, by default the hot ones; the answers that the echo is made from are drawn alike. */
export async function hotReads(
  { stand }: Pick<Bench, 'stand'>,
  { most = HOT, mark }: { most?: number; mark?: Record<string, string> } = {},
): Promise<HotReads> {
  const { playerIds, token } = stand;
  const messages = shuffle(playerIds, 7).slice(0, most).map(getRequest);
  const echo = await stand.echo({ path: GET, requests: drawByZipf(messages, 300, 1), ...(mark && { mark }) });
  const target = { path: GET, token, requests: packRequests(messages), draw: 'zipf' as const };
  return {
    ours: ({ address, pid }) => ({ ...target, address, pid, name: 'GetPlayerState' }),
    reference: { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
    echo,
    messages,
  };
}

async function compareReads(
  { stand, pace, load, say }: Bench,
  compared: { row: string; reads: HotReads; server: Server; source: string; bar?: { atLeast: number } },
): Promise<Compared> {
  const { row, reads, server, source, bar } = compared;
  const targets = [reads.reference, reads.ours(server)];
  const [reference, ours] = await inTurns({ targets, pace, load: () => load, say });
  // Those that the last round drew first: h2load draws no more than one a connection.
  const asked = load === ownLoad ? 300 : pace.connections;
  const requests = drawByZipf(reads.messages, asked, pace.rounds);
  const answers = await sampleAnswers({ address: server.address, path: GET, token: stand.token, requests });
  const sources = answers.map(({ headers }) => headers['realmkeep-source'] ?? 'untold');
  return compareRates(row, ours!, reference!, bar, [
    `${reads.messages.length.toLocaleString('en')} players by Zipf, answers of ${reads.echo.payloadBytes} bytes, ${pace.connections * pace.streams} in flight, load by ${load.name}`,
    `of ${asked} reads afterwards: ${tallyText(sources)}${sources.includes(source) ? '' : `; none from ${source}: that cache is not there yet`}`,
  ]);
}
