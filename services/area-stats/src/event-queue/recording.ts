import { RpcError } from '@realmkeep/kit/errors/rpc-error';
import type { Event } from '../event.ts';
import type { Outcome } from '../outcome.ts';

/** What became of an event: its outcome, or why it could not even be tried with others. */
export type Recorded = { outcome: Outcome; fault?: never } | { outcome?: never; fault: unknown };

/**
 * Records events so that one which breaks its batch does not hold up the others: a batch that fails is halved until the
 * event that is to blame is alone. Throws when the failure says nothing about events: UNAVAILABLE and RESOURCE_EXHAUSTED.
 */
export async function recordApart(
  events: Event[],
  record: (events: Event[]) => Promise<Outcome[]>,
): Promise<Recorded[]> {
  try {
    return (await record(events)).map((outcome) => ({ outcome }));
  } catch (fault) {
    if (fault instanceof RpcError) throw fault;
    if (events.length === 1) return [{ fault }];
    const half = Math.ceil(events.length / 2);
    return [...(await recordApart(events.slice(0, half), record)), ...(await recordApart(events.slice(half), record))];
  }
}
