import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** A LOGIN or LOGOUT that waits for its delivery: the time in microseconds as text. */
export type SessionEventRow = {
  id: string;
  event_id: string;
  player_id: string;
  area_code: string;
  multiplayer_mode: string;
  event_name: string;
  at: string;
};

/** At most `limit` events with an id above `after`, by id. */
export async function readSessionEvents(primary: Reader, after: string, limit: number): Promise<SessionEventRow[]> {
  const { rows } = await primary.query<SessionEventRow>({
    name: 'session_events',
    text: `select e.id, e.event_id, e.player_id, e.area_code, e.multiplayer_mode, e.event_name,
        micros(e.event_time) as at
      from session_events e where e.id > $1 order by e.id limit $2`,
    values: [after, limit],
  });
  return rows;
}

/** Takes events off the queue: for good, or with the reason why they were refused to where operators find them. */
export async function settleSessionEvents(
  primary: Reader,
  { delivered, refused }: { delivered: string[]; refused: { id: string; reason: string }[] },
): Promise<void> {
  await primary.query({
    name: 'settle_session_events',
    text: `with gone as (delete from session_events e where e.id = any ($1::bigint[])),
      refused as (select * from unnest($2::bigint[], $3::text[]) as r (id, reason)),
      parked as (delete from session_events e using refused r where e.id = r.id returning e.*, r.reason)
      insert into parked_session_events
        (event_id, player_id, area_code, multiplayer_mode, event_name, event_time, reason)
      select event_id, player_id, area_code, multiplayer_mode, event_name, event_time, reason from parked`,
    values: [delivered, refused.map(({ id }) => id), refused.map(({ reason }) => reason)],
  });
}
