import type { ClientBase } from 'pg';
import type { SeededPlay } from './play.ts';

/** The ids of those players of whom no presence is recorded. */
export async function unseenPlayers(client: ClientBase, plays: SeededPlay[]): Promise<Set<string>> {
  const firsts = plays.map((play) => play.events[0]!);
  const { rows } = await client.query<{ user_id: string }>(
    `select given.user_id
     from unnest($1::text[], $2::text[], $3::text[]) as given (user_id, area_code, multiplayer_mode)
     where not exists (
       select from area_mode_presence as known
       where (known.area_code, known.multiplayer_mode, known.user_id) = (given.area_code, given.multiplayer_mode, given.user_id)
     )`,
    [plays.map((play) => play.playerId), firsts.map((event) => event.areaCode), firsts.map((event) => event.mode)],
  );
  return new Set(rows.map((row) => row.user_id));
}

/** Records the players' logins and logouts by the service's own set-based function, so that the counts are exact. */
export async function loadEvents(client: ClientBase, plays: SeededPlay[]): Promise<void> {
  if (plays.length === 0) {
    return;
  }
  const events = plays.flatMap(({ playerId, events }) => events.map((event) => ({ playerId, ...event })));
  // Made up players have nobody who renews their leases: theirs do not end.
  await client.query("select record_events($1, $2, $3, $4, $5, $6, interval '7 days', interval '5 minutes', null)", [
    events.map((event) => event.eventId),
    events.map((event) => event.areaCode),
    events.map((event) => event.mode),
    events.map((event) => event.playerId),
    events.map((event) => event.name),
    events.map((event) => event.at.toISOString()),
  ]);
}
