-- Creates a player, or finds the one that an earlier call with the same id created. Answers the row, and whether its
-- content is what is asked for.
create function create_player(
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
  select p.display_name, p.created_at into create_player.display_name, create_player.created_at
  from players p where p.player_id = p_player_id;
end
$$;
