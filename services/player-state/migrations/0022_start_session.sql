-- Makes the caller the only one that starts or ends sessions of this player, until its transaction ends. Players whose ids
-- fall together wait for one another, which is harmless.
create function lock_sessions_of(p_player_id uuid) returns void
language sql
as $$
  select pg_advisory_xact_lock(5350051, hashtext(p_player_id::text))
$$;

-- Ends a live session that the caller has locked, and tells it.
create function finish_session(p_session_id uuid, p_at timestamptz) returns sessions
language plpgsql
as $$
declare
  v_session sessions;
begin
  update sessions s
  set ended_at = greatest(p_at, s.last_seen_at, s.started_at + interval '1 microsecond')
  where s.session_id = p_session_id
  returning s.* into v_session;
  insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
  values (v_session.player_id, v_session.area_code, v_session.multiplayer_mode, 'LOGOUT', v_session.ended_at);
  return v_session;
end
$$;

-- Starts a session, and ends the player's live one before it: LOGOUT, then LOGIN, each with a time of its own. Asked again
-- with the same id and content, it answers what became of that session and changes nothing; `ended_session_id` is the
-- session that this call ended.
create function start_session(
  p_session_id uuid, p_player_id uuid, p_area_code text, p_multiplayer_mode text, p_lease interval,
  out session sessions, out ended_session_id uuid
)
language plpgsql
as $$
declare
  v_last sessions;
  v_now timestamptz;
begin
  perform from players p where p.player_id = p_player_id;
  if not found then
    perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_player_id));
  end if;
  perform lock_sessions_of(p_player_id);

  select s.* into session from sessions s where s.session_id = p_session_id;
  if found then
    if (session.player_id, session.area_code, session.multiplayer_mode)
      is distinct from (p_player_id, p_area_code, p_multiplayer_mode) then
      perform refuse('SESSION_ID_REUSED', json_build_object('session_id', p_session_id));
    end if;
    return;
  end if;

  select s.* into v_last from sessions s where s.player_id = p_player_id
  order by s.started_at desc limit 1 for no key update;
  -- After the locks. Strictly later than whatever is known of the player, also when the clock was set back.
  v_now := greatest(clock_timestamp(),
    greatest(v_last.started_at, v_last.last_seen_at, v_last.ended_at) + interval '1 microsecond');
  if v_last.session_id is not null and v_last.ended_at is null then
    v_last := finish_session(v_last.session_id, least(v_last.lease_until, v_now));
    ended_session_id := v_last.session_id;
    v_now := v_now + interval '1 microsecond';
  end if;

  insert into sessions as s
    (session_id, player_id, area_code, multiplayer_mode, started_at, last_seen_at, lease_until)
  values (p_session_id, p_player_id, p_area_code, p_multiplayer_mode, v_now, v_now, v_now + p_lease)
  on conflict (session_id) do nothing
  returning s.* into session;
  if not found then
    -- Another player's start took the id meanwhile.
    perform refuse('SESSION_ID_REUSED', json_build_object('session_id', p_session_id));
  end if;
  insert into session_events (player_id, area_code, multiplayer_mode, event_name, event_time)
  values (p_player_id, p_area_code, p_multiplayer_mode, 'LOGIN', v_now);
end
$$;
