import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectError } from '@connectrpc/connect';
import { until } from '@realmkeep/testkit/parts/until';
import { credit, grant } from '../e2e/operations.ts';
import { type Outcome, outcomeOf, tally } from '../e2e/outcome.ts';
import type { Stage } from '../e2e/stage.ts';

/** Calls of every kind through the ingress, all the time, none of them tried again after the server saw it. */
export type Traffic = {
  /** How many calls were answered, whatever the answer. */
  answered(): number;
  /** How often each outcome came since the last time this was asked: `{ 'read OK': 5 }`. */
  take(): Record<string, number>;
  /** How many callers call at once, and how long each rests between two calls, in milliseconds. */
  pace(lanes: number, restMs: number): void;
  /** Resolves once the last call is answered. */
  end(): Promise<void>;
};

/**
 * Starts callers who read and write players, list and move what they have, record events and ask for stats: by gRPC,
 * gRPC-Web and REST.
 */
export async function startTraffic(stage: Stage): Promise<Traffic> {
  const token = await stage.token('server', 'traffic');
  // A connection each, so that both pods of Envoy have some.
  const parties = Array.from({ length: 6 }, () => stage.connect({ token }));
  const web = stage.connect({ token, web: true });
  const players = await Promise.all(Array.from({ length: 50 }, () => stage.player()));
  const { things, locations } = await placeThings(stage, players[0]!);
  const anyOf = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)]!;
  const rest = async (path: string): Promise<Outcome> => {
    try {
      const { status } = await stage.rest(path, { token });
      return { code: status === 200 ? 'OK' : `HTTP ${status}`, reason: '' };
    } catch (error) {
      return { code: 'BROKEN', reason: String((error as Error).cause ?? error) };
    }
  };
  const kinds: Record<string, () => Promise<Outcome>> = {
    read: () => told(() => anyOf(parties).players.getPlayerState({ playerId: anyOf(players) })),
    write: () =>
      told(() =>
        anyOf(parties).players.applyTransaction({
          transactionId: randomUUID(),
          operations: [credit(anyOf(players), 1n)],
        }),
      ),
    list: () => told(() => anyOf(parties).things.listItemLocations({ playerId: anyOf(players) })),
    move: () =>
      told(() =>
        anyOf(parties).things.moveItems({
          requestId: randomUUID(),
          moves: [{ gameItemId: anyOf(things), locationId: anyOf(locations) }],
        }),
      ),
    event: () =>
      told(() =>
        anyOf(parties).stats.recordEvent({
          eventId: randomUUID(),
          areaCode: 'cluster',
          multiplayerMode: anyOf(['duel', 'raid']),
          userId: anyOf(players),
          eventName: anyOf(['LOGIN', 'LOGOUT']),
        }),
      ),
    'read by gRPC-Web': () => told(() => web.players.getPlayerState({ playerId: anyOf(players) })),
    'read by REST': () => rest(`/v1/players/${anyOf(players)}/state`),
    'stats by REST': () => rest('/stats?area_code=cluster'),
    'page by REST': () => rest('/docs'),
  };

  let outcomes: { kind: string; outcome: Outcome }[] = [];
  let answered = 0;
  let lanes = 0;
  let restMs = 0;
  const running = new Set<Promise<void>>();

  async function lane(index: number): Promise<void> {
    for (let turn = index; index < lanes; turn += 1) {
      const names = Object.keys(kinds);
      const kind = names[turn % names.length]!;
      outcomes.push({ kind, outcome: await kinds[kind]!() });
      answered += 1;
      await delay(restMs);
    }
  }

  let highest = 0;
  return {
    answered: () => answered,
    take: () => {
      const taken = outcomes;
      outcomes = [];
      return tally(taken.map(({ kind, outcome }) => ({ ...outcome, code: `${kind} ${outcome.code}` })));
    },
    pace: (to, rest) => {
      lanes = to;
      restMs = rest;
      for (; highest < to; highest += 1) {
        const index = highest;
        const run = lane(index).finally(() => running.delete(run));
        running.add(run);
      }
      highest = Math.min(highest, to);
    },
    end: async () => {
      lanes = 0;
      await Promise.all(running);
    },
  };
}

/** Gives a player things that item-location knows of, and makes places where they can be. */
async function placeThings(stage: Stage, player: string): Promise<{ things: string[]; locations: string[] }> {
  const itemId = `traffic-${randomUUID()}`;
  await stage.admin.catalog.createItem({ itemId, name: 'Parcel', kind: 'cargo' });
  const locations = [randomUUID(), randomUUID()];
  for (const locationId of locations)
    await stage.admin.locations.createLocation({ locationId, name: 'Depot', areaCode: 'cluster' });
  const operations = [grant(player, itemId, 20n)];
  await stage.server.players.applyTransaction({ transactionId: randomUUID(), operations });
  const listed = async () => {
    const { itemLocations } = await stage.server.things.listItemLocations({ playerId: player, pageSize: 100 });
    return itemLocations.length === 20 && itemLocations.map(({ gameItemId }) => gameItemId);
  };
  return { things: await until(listed, { what: 'item-location to know the things', within: 30_000 }), locations };
}

/** The outcome of a call; of a fault without a reason, what the transport said. */
async function told(make: () => Promise<unknown>): Promise<Outcome> {
  const call = unlessRefused(make);
  const outcome = await outcomeOf(call);
  if (outcome.code === 'OK' || outcome.reason !== '') return outcome;
  const message = await call.then(String, messageOf);
  return { ...outcome, reason: message };
}

/**
 * Makes a call once more whose stream the closing connection refused: the server never saw it (RFC 9113, 8.7). gRPC's own
 * libraries do so by themselves ("transparent retries", gRFC A6); this client does not.
 */
async function unlessRefused(make: () => Promise<unknown>): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    if (!messageOf(error).includes('NGHTTP2_REFUSED_STREAM')) throw error;
    return make();
  }
}

function messageOf(error: unknown): string {
  return ConnectError.from(error).rawMessage;
}

/** What of a tally is no success. */
export function failures(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([outcome]) => !outcome.endsWith(' OK')));
}

/** How many calls a tally has. */
export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
