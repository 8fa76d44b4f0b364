import { setTimeout as delay } from 'node:timers/promises';
import type { FollowItemEventsResponse } from '@realmkeep/proto/realmkeep/player_state/v1/item_event_service';
import { batchStep, snapshotStep } from './item-event.ts';
import type { OutboxBatch, Place } from './repository/outbox.ts';
import type { Chunk, Noun } from './repository/snapshot.ts';

const BATCH = 500;
const POLL_MS = 20;
/** A follower hears at least this often how far the outbox is final, also when nothing happens. */
const BEAT_MS = 1_000;

/** In the order in which a snapshot sends them: names before the things that bear them. */
const NOUNS: Noun[] = ['players', 'items', 'game_items'];

/** How the outbox and the live state are read, on the primary. */
export type EventSource = {
  outbox(after: Place, limit: number): Promise<OutboxBatch>;
  chunk(noun: Noun, after: string | undefined, limit: number): Promise<Chunk>;
};

/**
 * What happens to things from behind a place of the outbox, in order, until the signal is aborted; a place that was
 * trimmed, that lies ahead of this database's history, or that is absent means a snapshot first. Also when trimming
 * overtakes a slow follower.
 */
export async function* followOutbox(
  source: EventSource,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<FollowItemEventsResponse> {
  let place = from;
  let toldAt = 0;
  while (!signal.aborted) {
    if (place === undefined) {
      place = yield* snapshot(source, signal);
      continue;
    }
    const batch = await source.outbox(place, BATCH);
    const horizon = { xid: batch.horizon, id: 0n };
    if (isBefore(place, batch.trimmed) || isBefore(horizon, place)) {
      place = undefined;
      continue;
    }
    place = batch.full && batch.last ? batch.last : horizon;
    if (batch.events.length > 0 || performance.now() - toldAt >= BEAT_MS) {
      yield batchStep(batch.events, place, batch.asOf);
      toldAt = performance.now();
    }
    if (!batch.full) await pause(signal);
  }
}

/** All live state, in chunks that are each one short query. Returns the place from which the events go on. */
async function* snapshot(
  source: EventSource,
  signal: AbortSignal,
): AsyncGenerator<FollowItemEventsResponse, Place | undefined> {
  // Taken first: whatever commits while the chunks are read comes again as an event.
  const { horizon, asOf } = await source.outbox({ xid: 0n, id: 0n }, 0);
  const start = { xid: horizon, id: 0n };
  for (const noun of NOUNS) {
    let after: string | undefined;
    let last = false;
    while (!last) {
      if (signal.aborted) return undefined;
      const chunk = await source.chunk(noun, after, BATCH);
      last = chunk.last;
      const end = last && noun === NOUNS.at(-1) ? start : undefined;
      const through = last ? '' : (chunk.through ?? '');
      yield snapshotStep(chunk.events, {
        ...(noun === 'game_items' && { gameItems: { after: after ?? '', through } }),
        end,
        // The events from the start on are still to come.
        asOf: end ? asOf : chunk.asOf,
      });
      after = chunk.through;
    }
  }
  return start;
}

function isBefore(one: Place, other: Place): boolean {
  return one.xid < other.xid || (one.xid === other.xid && one.id < other.id);
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
}
