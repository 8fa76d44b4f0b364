import type { ClientBase } from 'pg';
import { estimateRows, type Keys, within } from './key-ranges.ts';
import { ranged } from './ranged.ts';
import type { Finding, Verification } from './verification.ts';

const AREAS: Keys = { table: 'area_mode_events_agg', key: 'area_code', type: 'text', size: 20 };

/** Events that are compared at a time. */
const BUCKET = 500_000;

/** What must hold of the counts. */
export function areaStatsVerifications(client: ClientBase): Verification[] {
  return [
    ranged(client, '7. a count is the number of users that are counted', AREAS, COUNTS),
    ranged(client, '7. who is counted is present, and is so until the end of the lease', AREAS, COUNTED),
    ranged(client, '7. the total of an area and what is not added up yet are the sum of its counts', AREAS, TOTALS),
    latestVerification(client),
  ];
}

const COUNTS = `
  select area_code || ' ' || multiplayer_mode as id,
    format('counts %s, and %s are there', coalesce(a.current_count, 0), coalesce(p.users, 0)) as what
  from (select * from area_mode_events_agg a where ${within('a.area_code', 'text')}) a
  full join (
    select p.area_code, p.multiplayer_mode, count(*) as users from area_mode_presence p
    where ${within('p.area_code', 'text')} and p.counted group by p.area_code, p.multiplayer_mode
  ) p using (area_code, multiplayer_mode)
  where coalesce(a.current_count, 0) <> coalesce(p.users, 0)`;

// A sweep comes each few seconds, but while the service is away there is none.
const TOTALS = `
  select area_code as id, format('its total is %s, and its counts are %s', coalesce(t.sum, 0), coalesce(c.sum, 0)) as what
  from (
    select a.area_code, sum(a.current_count) from area_mode_events_agg a
    where ${within('a.area_code', 'text')} group by a.area_code
  ) c
  full join (
    select part.area_code, sum(part.count) from (
      select area_code, current_count as count from areas union all select area_code, delta from area_changes
    ) part
    where ${within('part.area_code', 'text')} group by part.area_code
  ) t using (area_code)
  where coalesce(t.sum, 0) <> coalesce(c.sum, 0)`;

const COUNTED = `
  select p.area_code || ' ' || p.multiplayer_mode || ' ' || p.user_id as id,
    case when not p.present then 'is counted, and not present'
      when p.counted and p.lease_until > now() then format('its lease ends at %s, and its sweep comes at %s', p.lease_until, p.sweep_at)
      when p.counted then format('is counted, and its lease ended at %s', p.lease_until)
      else 'is present, and not counted' end as what
  from area_mode_presence p
  where ${within('p.area_code', 'text')} and (
    p.counted and not p.present
    or p.counted and p.lease_until < now() - interval '10 minutes'
    or p.counted and p.lease_until is not null and coalesce(p.sweep_at > p.lease_until, true)
    or p.present and not p.counted and (p.lease_until is null or p.lease_until > now()))`;

// Users in a bucket of their own each, by a hash of their names.
const LATEST = `
  select l.area_code || ' ' || l.multiplayer_mode || ' ' || l.user_id as id,
    format('its latest event is %s at %s, and its presence is %s at %s', l.event_name, l.event_time,
      coalesce(p.present::text, 'unknown'), p.event_time) as what
  from (
    select distinct on (e.area_code, e.multiplayer_mode, e.user_id) e.* from area_mode_events e
    where mod(hashtextextended(e.user_id, 0), $2::bigint) in ($1::bigint, -$1::bigint)
    order by e.area_code, e.multiplayer_mode, e.user_id, e.event_time desc, e.event_id desc
  ) l
  left join area_mode_presence p using (area_code, multiplayer_mode, user_id)
  where p.event_id is null or (p.event_time, p.event_id) < (l.event_time, l.event_id)
    or p.event_id = l.event_id and p.present <> (l.event_name = 'LOGIN')`;

function latestVerification(client: ClientBase): Verification {
  const rows = () => estimateRows(client, 'area_mode_events');
  return {
    says: '7. a presence is the latest event of its user in an area and mode',
    rows,
    async *run(advance) {
      const { rows: counted } = await client.query<{ events: string }>(
        'select count(*) as events from area_mode_events',
      );
      const events = Number(counted[0]!.events);
      const buckets = Math.max(1, Math.ceil(events / BUCKET));
      for (let bucket = 0; bucket < buckets; bucket += 1) {
        yield* (await client.query<Finding>(LATEST, [bucket, buckets])).rows;
        advance(Math.floor((events * (bucket + 1)) / buckets) - Math.floor((events * bucket) / buckets));
      }
    },
  };
}
