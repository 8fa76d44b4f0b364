import { shuffle } from './draws.ts';
import { inTurns } from './figures.ts';
import { hotReads } from './hot-read.ts';
import { ownLoad } from './load.ts';
import { BATCH_GET, batchRequest } from './player-calls.ts';
import { packRequests } from './requests.ts';
import type { Row } from './row.ts';

const IDS = 250;
const BATCHES = 64;

export const batchRead: Row = {
  name: 'batch-read',
  about: 'states a second by BatchGetPlayerStates, beside unary hot reads of the same process',
  run: async ({ stand, pace, say }) => {
    const reads = await hotReads({ stand });
    const { service, token } = stand;
    const some = shuffle(stand.playerIds, 3);
    const ids = Math.min(IDS, some.length);
    const batches = Array.from({ length: BATCHES }, (_, index) =>
      batchRequest(Array.from({ length: ids }, (__, place) => some[(index * ids + place) % some.length]!)),
    );
    const batch = { ...service, path: BATCH_GET, token, requests: packRequests(batches), draw: 'zipf' as const };
    const streams = Math.max(1, Math.floor(pace.streams / 4));
    const [unary, ours] = await inTurns({
      targets: [reads.ours(service), { ...batch, name: 'BatchGetPlayerStates' }],
      pace,
      load: ({ path }) =>
        path === BATCH_GET ? { ...ownLoad, run: (order) => ownLoad.run({ ...order, streams }) } : ownLoad,
      say,
    });
    const states = ours!.perSecond * ids;
    return {
      row: 'batch-read',
      unit: 'states/s',
      ours: { name: ours!.name, value: states },
      reference: { name: 'unary hot reads', value: unary!.perSecond },
      ratio: states / unary!.perSecond,
      bar: { atLeast: 15 },
      facts: [
        `${ids} ids a batch, ${BATCHES} batches, ${pace.connections * streams} in flight (unary ${pace.connections * pace.streams}), load by ${ownLoad.name}`,
        `server CPU a state ${(ours!.cpuMicros / ids).toFixed(1)} us beside ${unary!.cpuMicros.toFixed(0)} us; p99 of a batch ${ours!.p99Ms.toFixed(1)} ms`,
      ],
      figures: [ours!, unary!],
    };
  },
};
