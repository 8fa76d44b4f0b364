-- Ends a session now, or with its lease when that has run out; one that has ended is answered as it is. A session that is
-- not of `p_owner`, where one is given, is not found.
create function end_session(p_session_id uuid, p_owner text) returns sessions
language plpgsql
as $$
declare
  v_session sessions;
begin
  select s.* into v_session from sessions s where s.session_id = p_session_id;
  if not found or v_session.player_id::text <> p_owner then
    perform refuse('SESSION_NOT_FOUND', json_build_object('session_id', p_session_id));
  end if;
  perform lock_sessions_of(v_session.player_id);
  select s.* into v_session from sessions s where s.session_id = p_session_id for no key update;
  if v_session.ended_at is null then
    v_session := finish_session(p_session_id, least(v_session.lease_until, clock_timestamp()));
  end if;
  return v_session;
end
$$;

-- Ends at most p_limit sessions whose lease has run out, with the end of the lease as their end, and returns their ids.
-- What another call is writing is left for the next sweep.
create function sweep_sessions(p_limit integer) returns table (session_id uuid)
language sql
as $$
  with due as materialized (
    select s.session_id from sessions s where s.ended_at is null and s.lease_until < now()
    order by s.lease_until limit p_limit for no key update skip locked
  ), ended as (
    update sessions s set ended_at = s.lease_until from due d where s.session_id = d.session_id
    returning s.*
  ), told as (
    insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
    select e.player_id, e.area_code, e.multiplayer_mode, 'LOGOUT', e.ended_at from ended e order by e.ended_at
  )
  select e.session_id from ended e
$$;

-- Deletes at most p_limit sessions that ended longer ago than p_age, but never a player's last one, and what was parked
-- as long ago; returns how many sessions.
create function trim_sessions(p_age interval, p_limit integer) returns integer
language plpgsql
as $$
declare
  v_trimmed integer;
begin
  delete from parked_session_events e where e.parked_at < now() - p_age;
  delete from sessions s using (
    select o.session_id from sessions o
    where o.ended_at < now() - p_age
      and exists (select from sessions l where l.player_id = o.player_id and l.started_at > o.started_at)
    limit p_limit for update skip locked
  ) old
  where s.session_id = old.session_id;
  get diagnostics v_trimmed = row_count;
  return v_trimmed;
end
$$;
