import { create, toBinary } from '@bufbuild/protobuf';
import { GetAreaStatsRequestSchema } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import type { ServiceProcess } from '../local/service-process.ts';
import { createWorld } from '../seed/world.ts';
import { burstBeside } from './burst.ts';
import { drawByZipf } from './draws.ts';
import { inTurns } from './figures.ts';
import { packRequests } from './requests.ts';
import { compareRates, tallyText } from './result.ts';
import type { Row } from './row.ts';
import { sampleAnswers } from './sample.ts';
import type { Server, Stand } from './stand.ts';
import { MARK } from './switchboard.ts';

const GET_STATS = '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats';

export const areaStats: Row = {
  name: 'area-stats',
  about: 'GetAreaStats of 50 areas that are cached, one process, beside a bare grpc-js server with ready bytes',
  run: (bench) =>
    withAreaStats(bench.stand, async (server) => {
      const { stand, pace, load, say } = bench;
      const { token } = stand;
      const { messages, echo } = await areaReads(stand, server);
      const target = { path: GET_STATS, token, requests: packRequests(messages), draw: 'zipf' as const };
      const targets = [
        { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
        { ...target, ...server, name: 'GetAreaStats' },
      ];
      const [reference, ours] = await inTurns({ targets, pace, load: () => load, say });
      const requests = drawByZipf(messages, 300, pace.rounds);
      const answers = await sampleAnswers({ address: server.address, path: GET_STATS, token, requests });
      const sources = answers.map(({ headers }) => headers['realmkeep-source'] ?? 'untold');
      return compareRates('area-stats', ours!, reference!, undefined, [
        `${messages.length} areas by Zipf, 5 modes each, answers of ${echo.payloadBytes} bytes, ${pace.connections * pace.streams} in flight, load by ${load.name}`,
        `of 300 reads afterwards: ${tallyText(sources)}`,
      ]);
    }),
};

export const areaStatsBurst: Row = {
  name: 'burst-area-stats',
  about:
    '50,000 concurrent GetAreaStats of 50 areas through Envoy, beside as many bare echoes (burst --service area-stats)',
  run: (bench) =>
    withAreaStats(bench.stand, async (server) => {
      const { messages, echo } = await areaReads(bench.stand, server, MARK);
      return burstBeside(bench, {
        row: 'burst-area-stats',
        service: 'area-stats',
        path: GET_STATS,
        name: 'GetAreaStats, cached',
        about: `${messages.length} areas`,
        server: () => server,
        echo,
        requests: async () => messages,
        warmUp: true,
      });
    }),
};

/** A request for each area of the seeded world, and the echo that answers with the bytes of a typical one. */
async function areaReads(stand: Stand, server: Server, mark?: Record<string, string>) {
  const messages = createWorld().areas.map((areaCode) =>
    toBinary(GetAreaStatsRequestSchema, create(GetAreaStatsRequestSchema, { areaCode })),
  );
  const { address } = server;
  const echo = await stand.echo({ path: GET_STATS, requests: messages, address, ...(mark && { mark }) });
  return { messages, echo };
}

/** The process of area-stats, which runs while it is measured only. */
async function withAreaStats<T>(stand: Stand, act: (server: Server) => Promise<T>): Promise<T> {
  const [process] = stand.realm.services['area-stats'] as [ServiceProcess];
  await process.start();
  try {
    return await act({ address: process.address, pid: process.pid! });
  } finally {
    await process.stop();
  }
}
