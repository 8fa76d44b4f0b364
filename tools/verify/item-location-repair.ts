import type { ClientBase } from 'pg';

/**
 * Brings the rows of things in item-location to what player-state says of them now. The following waits meanwhile, so
 * what is read of player-state is at least as new as what is applied here. Answers how many rows were changed.
 */
export async function repairItemLocations(
  playerState: ClientBase,
  itemLocation: ClientBase,
  ids: string[],
): Promise<number> {
  await itemLocation.query('begin read write');
  try {
    await itemLocation.query('select from follow_position for update');
    const { rows } = await playerState.query<{ game_item_id: string }>(
      `select g.game_item_id, g.item_id, i.name as item_name, i.kind as item_kind, i.version as item_version, g.quantity,
         g.owner_id, p.display_name as owner_name, p.name_version as owner_name_version, g.version
       from game_items g join players p on p.player_id = g.owner_id join items i on i.item_id = g.item_id
       where g.game_item_id = any ($1)`,
      [ids],
    );
    const there = new Set(rows.map((row) => row.game_item_id));
    const gone = ids.filter((id) => !there.has(id));
    const repaired = await itemLocation.query<{ rows: string }>('select repair_item_locations($1, $2) as rows', [
      JSON.stringify(rows),
      gone,
    ]);
    await itemLocation.query('commit');
    return Number(repaired.rows[0]!.rows);
  } catch (error) {
    await itemLocation.query('rollback');
    throw error;
  }
}
