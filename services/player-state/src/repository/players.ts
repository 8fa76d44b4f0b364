import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** A 64-bit number: text in a column, a number inside JSON. */
type Bigint = string | number;

/** A player's state as `player_states` gives it, times in microseconds. */
export type PlayerStateRow = {
  player_id: string;
  display_name: string;
  version: Bigint;
  outbox_xid: Bigint;
  outbox_id: Bigint;
  created: Bigint;
  updated: Bigint;
  balances: [currency: string, amount: string][] | null;
  items:
    | [gameItemId: string, itemId: string, kind: string, quantity: string, version: string, created: number][]
    | null;
  as_of: Date | string;
};

/** Creates the player unless its id exists; answers what it was created with. */
export async function createPlayer(
  primary: Reader,
  playerId: string,
  displayName: string,
): Promise<{ display_name: string; created: string }> {
  const { rows } = await primary.query<{ display_name: string; created: string }>({
    name: 'create_player',
    text: `select display_name, micros(created_at) as created, ${commitBarrier} from create_player($1, $2)`,
    values: [playerId, displayName],
  });
  return rows[0]!;
}

/** Renames the player; answers its version now. An `expectedVersion` of 0 is any. A refusal has SQLSTATE RK001. */
export async function updatePlayer(
  primary: Reader,
  playerId: string,
  displayName: string,
  expectedVersion: bigint,
): Promise<{ version: string; created: string }> {
  const { rows } = await primary.query<{ version: string; created: string }>({
    name: 'update_player',
    text: `select version, micros(created_at) as created, ${commitBarrier} from update_player($1, $2, $3)`,
    values: [playerId, displayName, expectedVersion],
  });
  return rows[0]!;
}

/** The states of those players that exist, in no order, from one snapshot, and its time. Ids are in lower case. */
export async function findPlayerStates(
  node: Reader,
  playerIds: string[],
): Promise<{ rows: PlayerStateRow[]; asOf: Date }> {
  const { rows } = await node.query<PlayerStateRow | { player_id: null; as_of: Date }>({
    name: 'player_states',
    text: `select s.*, coalesce(s.as_of, as_of()) as as_of
      from (select) one left join player_states($1) s on true`,
    values: [playerIds],
  });
  return { rows: rows.filter((row) => row.player_id !== null), asOf: new Date(rows[0]!.as_of) };
}

/** Of these players with a version each, those whose version is newer, from one snapshot, and its time. */
export async function findNewerVersions(
  node: Reader,
  known: ReadonlyMap<string, bigint>,
): Promise<{ versions: Map<string, bigint>; asOf: number }> {
  type Row = { player_id: string | null; version: string; as_of: Date };
  const { rows } = await node.query<Row>({
    name: 'newer_versions',
    text: `select n.player_id, n.version, as_of() as as_of from (select) one left join (
        select p.player_id, p.version
        from unnest($1::uuid[], $2::bigint[]) k (player_id, version) join players p using (player_id)
        where p.version > k.version
      ) n on true`,
    values: [[...known.keys()], [...known.values()]],
  });
  const versions = new Map<string, bigint>();
  for (const { player_id, version } of rows) if (player_id !== null) versions.set(player_id, BigInt(version));
  return { versions, asOf: rows[0]!.as_of.getTime() };
}
