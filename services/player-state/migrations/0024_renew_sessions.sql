-- Moves on the leases of live sessions: element i says that session i was heard of so many milliseconds ago, by no clock
-- but the caller's stopwatch. Returns each session that is still live; the others have ended. Rows are locked in the order
-- of their ids, so that concurrent calls wait for each other and never deadlock.
create function renew_sessions(p_session_ids uuid[], p_ages_ms double precision[], p_lease interval)
returns table (session_id uuid)
language sql
as $$
  with heard as materialized (
    select h.session_id, max(now() - h.age_ms * interval '1 millisecond') as at
    from unnest(p_session_ids, p_ages_ms) as h (session_id, age_ms) group by h.session_id
  ), locked as materialized (
    select s.session_id, h.at from sessions s join heard h on h.session_id = s.session_id
    where s.session_id = any (p_session_ids) and s.ended_at is null
    order by s.session_id for no key update of s
  )
  update sessions s
  set last_seen_at = greatest(s.last_seen_at, l.at), lease_until = greatest(s.lease_until, l.at + p_lease)
  from locked l
  where s.session_id = l.session_id
  returning s.session_id
$$;
