import pg from 'pg';
import { prewarm } from './prewarm.ts';
import type { Stand } from './stand.ts';

/** Rows of one statement. */
const CHUNK = 1_000_000;

/** Keys of rows in the order of chance, which are made of all rows at once in a part of the time. */
const KEYS = { event_ids: 'event_id', area_mode_events: 'received_at, event_id' };

/**
 * Fills the tables of area-stats with events that were recorded on earlier days, and with one presence of each of so many
 * users that the load does not have; answers once the replicas have them, and every node has them in memory.
 */
export async function makeHistory(
  { realm }: Pick<Stand, 'realm'>,
  { events, users, say }: { events: number; users: number; say: (line: string) => void },
): Promise<void> {
  const client = new pg.Client({ connectionString: realm.databases['area-stats'].ownerUrl });
  await client.connect();
  try {
    await client.query(`
      set maintenance_work_mem = '512MB';
      set transaction_timeout = 0;
      do $$
      declare v_day date;
      begin
        for ago in 1..7 loop
          v_day := (now() at time zone 'UTC')::date - ago;
          execute format('create table if not exists area_mode_events_%s partition of area_mode_events
            for values from (%L) to (%L)', to_char(v_day, 'YYYYMMDD'), v_day || ' 00:00+00', (v_day + 1) || ' 00:00+00');
        end loop;
      end $$`);
    for (const table of Object.keys(KEYS)) await client.query(`alter table ${table} drop constraint ${table}_pkey`);
    for (let from = 1; from <= events; from += CHUNK) {
      await client.query(
        `with drawn as materialized (
          select gen_random_uuid() as event_id, now() - interval '6 days' * random() as received_at,
            (random() * 499)::int as place, 'old-' || (random() * $3)::int as user_id, random() < 0.5 as present
          from generate_series($1::int, $2::int)
        ),
        ids as (insert into event_ids select event_id, received_at from drawn)
        insert into area_mode_events
        select received_at, event_id, received_at, '' || (100 + place / 5), 'mode-' || place % 5, user_id,
          case when present then 'LOGIN' else 'LOGOUT' end
        from drawn order by received_at`,
        [from, Math.min(events, from + CHUNK - 1), users],
      );
      say(
        `${Math.min(events, from + CHUNK - 1).toLocaleString('en')} of ${events.toLocaleString('en')} events are made`,
      );
    }
    await client.query(
      `insert into area_mode_presence
      select '' || (100 + place / 5), 'mode-' || place % 5, 'old-' || n, now() - interval '1 day', gen_random_uuid(), false, false
      from (select n, (random() * 499)::int as place from generate_series(1, $1::int) as n) as drawn`,
      [users],
    );
    for (const [table, key] of Object.entries(KEYS)) {
      await client.query(`alter table ${table} add primary key (${key})`);
      say(`the key of ${table} is made`);
    }
    await client.query('vacuum analyze event_ids, area_mode_events, area_mode_presence');
    await client.query('checkpoint').catch(() => undefined);
  } finally {
    await client.end();
  }
  await prewarm(realm.stores.postgres, 'area_stats');
}
