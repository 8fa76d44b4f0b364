import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';
import type { ParkedEvent } from '../parked-event.ts';

/** A parked event as it is kept. */
export type ParkedEventRow = {
  parked_event_id: string;
  event: string;
  reason: string;
  message: string;
  parked_at: Date;
};

/** Keeps the events; those whose entry is kept already stay as they are. */
export async function parkEvents(primary: Reader, parked: ParkedEvent[]): Promise<void> {
  // A text of Postgres holds every character but this.
  const texts = (of: (each: ParkedEvent) => string) => parked.map((each) => of(each).replaceAll('\u0000', '\ufffd'));
  await primary.query({
    name: 'park_events',
    text: `
      with parked as (
        insert into parked_events (entry, event, reason, message)
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
        on conflict (entry) do nothing
      )
      select ${commitBarrier}`,
    values: [
      texts(({ entry }) => entry),
      texts(({ event }) => event),
      texts(({ reason }) => reason),
      texts(({ message }) => message),
    ],
  });
}

/** At most `limit` events after that id, in the order of their parking. */
export async function readParkedEvents(node: Reader, after: string, limit: number): Promise<ParkedEventRow[]> {
  const { rows } = await node.query<ParkedEventRow>({
    name: 'read_parked_events',
    text: `
      select parked_event_id, event, reason, message, parked_at from parked_events
      where parked_event_id > $1 order by parked_event_id limit $2`,
    values: [after, limit],
  });
  return rows;
}

/** Those of the events that are parked, in the order of their parking. */
export async function findParkedEvents(node: Reader, ids: string[]): Promise<ParkedEventRow[]> {
  const { rows } = await node.query<ParkedEventRow>({
    name: 'find_parked_events',
    text: `
      select parked_event_id, event, reason, message, parked_at from parked_events
      where parked_event_id = any ($1::bigint[]) order by parked_event_id`,
    values: [ids],
  });
  return rows;
}

/** Deletes the events and answers the ids of those that were parked. */
export async function deleteParkedEvents(primary: Reader, ids: string[]): Promise<string[]> {
  const { rows } = await primary.query<{ deleted: string[] }>({
    name: 'delete_parked_events',
    text: `
      with deleted as (
        delete from parked_events where parked_event_id = any ($1::bigint[]) returning parked_event_id
      )
      select array(select parked_event_id::text from deleted) as deleted, ${commitBarrier}`,
    values: [ids],
  });
  return rows[0]!.deleted;
}
