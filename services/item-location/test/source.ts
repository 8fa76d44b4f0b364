import { createTokenVerifier } from '@realmkeep/kit/auth/token-verifier';
import { unavailable } from '@realmkeep/kit/errors/common';
import { createLogger } from '@realmkeep/kit/log/logger';
import { type CallContext, implement } from '@realmkeep/kit/server/implementation';
import { createServer } from '@realmkeep/kit/server/server';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import type { ItemEvent } from '@realmkeep/proto/realmkeep/player_state/v1/item_event';
import {
  type FollowItemEventsResponse,
  ItemEventService,
} from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import type { KeyFiles } from '@realmkeep/testkit/key-files';
import { batch, chunk } from './events.ts';

/**
 * A source that keeps its log in memory and serves it as player-state does: a snapshot for whoever has no position or
 * one before `trim`, then one batch a transaction, and a step without events every 20 ms.
 */
export async function startSource(keys: KeyFiles) {
  const log: ItemEvent[][] = [];
  let trimmed = 0;
  let first = 10_000n;
  let open = 0;
  let opened = 0;
  let snapshots = 0;
  let cut = new AbortController();

  async function* follow(from: bigint | undefined, { signal }: CallContext): AsyncIterable<FollowItemEventsResponse> {
    const ended = AbortSignal.any([signal, cut.signal]);
    open += 1;
    opened += 1;
    try {
      let next = from === undefined ? -1 : Number(from - first) + 1;
      if (next < trimmed) {
        snapshots += 1;
        next = log.length;
        yield* snapshot();
      }
      next = Math.min(next, log.length);
      while (!ended.aborted) {
        for (; next < log.length; next += 1) {
          yield batch(first + BigInt(next), log[next], 1n);
          if (cut.signal.aborted) throw unavailable('cut', 0);
        }
        yield batch(first + BigInt(next) - 1n, [], 1n);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      if (cut.signal.aborted) throw unavailable('cut', 0);
    } finally {
      open -= 1;
    }
  }

  /** The live state in two chunks that share the range of things between them. */
  function* snapshot(): Iterable<FollowItemEventsResponse> {
    const middle = '80000000-0000-0000-0000-000000000000';
    const { names, things } = truth();
    const at = first + BigInt(log.length) - 1n;
    const half = (low: boolean) => things.filter((thing) => idOf(thing) <= middle === low);
    yield chunk([...names, ...half(true)], { through: middle });
    yield chunk(half(false), { after: middle, last: at });
  }

  function truth() {
    const names = new Map<string, ItemEvent>();
    const latest = new Map<string, ItemEvent>();
    for (const message of log.flat()) {
      const { event } = message;
      if (event.case === 'gameItem') {
        const known = latest.get(event.value.gameItemId)?.event;
        if (known?.case === 'gameItem' && known.value.version >= event.value.version) continue;
        latest.set(event.value.gameItemId, message);
      } else if (event.case === 'player') names.set(event.value.playerId, message);
      else if (event.case === 'item') names.set(event.value.itemId, message);
    }
    const things = [...latest.values()].filter(({ event }) => event.case === 'gameItem' && event.value.quantity > 0n);
    return { names: [...names.values()], things };
  }

  const logger = createLogger({ name: 'source', level: 'silent' });
  const telemetry = await openTestTelemetry('source');
  const { JWKS_FILE, INTERNAL_JWKS_FILE } = keys.env;
  const verifier = createTokenVerifier({ jwksFile: JWKS_FILE!, internalJwksFile: INTERNAL_JWKS_FILE!, logger });
  const server = createServer({
    domain: 'player-state.realmkeep',
    implementations: [
      implement(ItemEventService, {
        followItemEvents: ({ position }, context) => follow(position?.transaction, context),
      }),
    ],
    verifier,
    logger,
    telemetry,
    maxInWork: 100,
    maxStreams: 100,
  });
  const port = await server.listen('127.0.0.1', 0);

  return {
    address: `127.0.0.1:${port}`,
    /** Commits a transaction of these events. */
    commit(...events: ItemEvent[]): void {
      log.push(events);
    },
    /** The live things as they should be followed: id, owner and version, by id. */
    things: () =>
      truth()
        .things.map(({ event }) => (event.case === 'gameItem' ? event.value : undefined)!)
        .map(({ gameItemId, ownerId, version }) => ({
          game_item_id: gameItemId,
          owner_id: ownerId,
          source_version: `${version}`,
        }))
        .sort((a, b) => (a.game_item_id < b.game_item_id ? -1 : 1)),
    /** Breaks every stream that is open. */
    cut(): void {
      cut.abort();
      cut = new AbortController();
    },
    /** Forgets that there was a log before now: who is not here yet must take a snapshot. */
    trim(): void {
      trimmed = log.length;
    },
    /** Shifts all positions, as a source does that lost its last transactions. */
    rewind(by: bigint): void {
      first -= by;
    },
    open: () => open,
    opened: () => opened,
    snapshots: () => snapshots,
    async stop(): Promise<void> {
      cut.abort();
      await server.drain({ delayMs: 0, timeoutMs: 1_000 });
      verifier.close();
      await telemetry.close();
    },
  };
}

function idOf({ event }: ItemEvent): string {
  return event.case === 'gameItem' ? event.value.gameItemId : '';
}
