import { shuffle } from './draws.ts';
import { inTurns } from './figures.ts';
import { ownLoad } from './load.ts';
import { GET, getRequest } from './player-calls.ts';
import { packRequests, type Requests } from './requests.ts';
import { compareRates } from './result.ts';
import type { Row } from './row.ts';
import { postgresPids } from './stores.ts';

// More than any process answers a second, so that a round does not run out of players that were never read.
const MOST_PER_SECOND = 8_000;

export const coldRead: Row = {
  name: 'cold-read',
  about: 'GetPlayerState of players that no cache holds, uniform, none twice, beside the bare echo',
  run: async (bench) => {
    const { stand, pace, say, players } = bench;
    const size = Math.ceil((pace.warmUpSeconds + pace.seconds) * MOST_PER_SECOND);
    if (players < size)
      return { row: 'cold-read', skipped: `it needs ${size} players for a round (--players ${size})` };
    const echo = await stand.echo({ path: GET, requests: stand.playerIds.slice(0, 100).map(getRequest) });
    const slices = coldSlices(stand.playerIds.map(getRequest), size);
    const server = await stand.empty();
    const target = { path: GET, token: stand.token, draw: 'each' as const, requests: packRequests([]) };
    const [reference, ours] = await inTurns({
      targets: [
        { ...target, address: echo.address, pid: echo.pid, name: 'bare echo' },
        {
          ...target,
          ...server,
          storePids: postgresPids(stand.realm.stores),
          name: 'GetPlayerState, cold',
        },
      ],
      pace,
      load: () => ownLoad,
      prepare: async (planned) => {
        if (planned.address === echo.address) return { ...planned, requests: slices.any() };
        const { requests, again } = slices.next();
        // Every player was read: the caches are emptied before the next walk.
        return again ? { ...planned, ...(await stand.empty()), requests } : { ...planned, requests };
      },
      say,
    });
    return compareRates('cold-read', ours!, reference!, { atLeast: 0.4 }, [
      `${players.toLocaleString('en')} players, uniform, none read twice, answers of ${echo.payloadBytes} bytes, ${pace.connections * pace.streams} in flight, load by ${ownLoad.name}`,
      `Postgres CPU a request ${ours!.storeCpuMicros.toFixed(0)} us, all nodes`,
    ]);
  },
};

/** Messages in a random order, `size` of them at a time: a round's worth. `again` says that a walk over all of them begins anew. */
export function coldSlices(
  messages: Uint8Array[],
  size: number,
): {
  next(): { requests: Requests; again: boolean };
  any(): Requests;
} {
  const order = shuffle(messages, 2);
  let position = 0;
  return {
    next: () => {
      const again = position + size > order.length;
      if (again) position = 0;
      position += size;
      return { requests: packRequests(order.slice(position - size, position)), again };
    },
    // The echo answers whoever is asked for: it is given enough to be busy for the whole round.
    any: () => packRequests(Array.from({ length: size * 3 }, (_, index) => order[index % order.length]!)),
  };
}
