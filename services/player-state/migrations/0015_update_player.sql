-- The name that a player was created with; null while it has never had another one. A repeat of its creation is known
-- by it.
alter table players add column first_name text;

create or replace function create_player(
  p_player_id uuid, p_display_name text, out display_name text, out created_at timestamptz
)
language plpgsql
as $$
declare
  v_xid bigint := pg_current_xact_id()::text::bigint;
  v_now timestamptz := clock_timestamp();
  v_outbox_id bigint;
begin
  insert into players as p (player_id, display_name, outbox_xid, outbox_id, created_at, updated_at)
  values (p_player_id, p_display_name, v_xid, 0, v_now, v_now)
  on conflict (player_id) do nothing;
  if found then
    insert into outbox (xid, event) values (v_xid, json_build_object('player', json_build_object(
      'playerId', p_player_id, 'displayName', p_display_name, 'version', '1')))
    returning id into v_outbox_id;
    update players p set outbox_id = v_outbox_id where p.player_id = p_player_id;
  end if;
  select coalesce(p.first_name, p.display_name), p.created_at into create_player.display_name, create_player.created_at
  from players p where p.player_id = p_player_id;
end
$$;

-- Gives a player another name; one that bears it already stays as it is, so that a repeat is harmless. An expected
-- version of 0 is any. Answers the version now.
create function update_player(
  p_player_id uuid, p_display_name text, p_expected_version bigint, out version bigint, out created_at timestamptz
)
language plpgsql
as $$
declare
  v_player players;
  v_xid bigint;
  v_outbox_id bigint;
begin
  select * into v_player from players p where p.player_id = p_player_id for no key update;
  if not found then
    perform refuse('PLAYER_NOT_FOUND', json_build_object('player_id', p_player_id));
  end if;
  version := v_player.version;
  created_at := v_player.created_at;
  if v_player.display_name = p_display_name then
    return;
  elsif p_expected_version not in (0, version) then
    perform refuse('VERSION_MISMATCH', json_build_object('player_id', p_player_id,
      'expected_version', p_expected_version::text, 'version', version::text));
  end if;

  v_xid := pg_current_xact_id()::text::bigint;
  insert into outbox (xid, event) values (v_xid, json_build_object('player', json_build_object(
    'playerId', p_player_id, 'displayName', p_display_name, 'version', (v_player.name_version + 1)::text)))
  returning id into v_outbox_id;
  version := version + 1;
  update players p set display_name = p_display_name, first_name = coalesce(p.first_name, p.display_name),
    version = update_player.version, name_version = p.name_version + 1,
    -- As in apply_transactions: the position only grows.
    outbox_xid = greatest(p.outbox_xid, v_xid),
    outbox_id = case when (v_xid, v_outbox_id) > (p.outbox_xid, p.outbox_id) then v_outbox_id else p.outbox_id end,
    updated_at = clock_timestamp()
  where p.player_id = p_player_id;
end
$$;
