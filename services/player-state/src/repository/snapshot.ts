import type { JsonValue } from '@bufbuild/protobuf';
import type { Reader, Statement } from '@realmkeep/kit/postgres/nodes';

/** What has live state, by its table. */
export type Noun = 'players' | 'items' | 'game_items';

export type Chunk = {
  /** ItemEvents in the protobuf JSON form, by key. */
  events: JsonValue[];
  /** The last key; undefined when the chunk is empty. */
  through: string | undefined;
  /** Whether the noun ends with this chunk. */
  last: boolean;
  asOf: Date;
};

type Source = { table: string; key: string; event: string };

// The same fields as in the events that the stored functions write to the outbox.
const SOURCES: Record<Noun, Source> = {
  players: {
    table: 'players',
    key: 'player_id',
    event: `'player', json_build_object('playerId', n.player_id, 'displayName', n.display_name,
      'version', n.name_version::text)`,
  },
  items: {
    table: 'items',
    key: 'item_id',
    event: `'item', json_build_object('itemId', n.item_id, 'name', n.name, 'kind', n.kind,
      'version', n.version::text)`,
  },
  game_items: {
    table: 'game_items',
    key: 'game_item_id',
    event: `'gameItem', json_build_object('gameItemId', n.game_item_id, 'itemId', n.item_id, 'ownerId', n.owner_id,
      'quantity', n.quantity::text, 'version', n.version::text, 'grantedLocationId', n.granted_location_id,
      'createTime', n.created_at)`,
  },
};

function statementOf(noun: Noun, after: string | undefined, limit: number): Statement {
  const { table, key, event } = SOURCES[noun];
  // Two texts, so that each has a plan that starts in the index where the chunk starts.
  const [name, where] = after === undefined ? ['first', ''] : ['next', `where n.${key} > $2`];
  return {
    name: `snapshot_${noun}_${name}`,
    text: `select s.key, s.event, as_of() as as_of from (select) one left join lateral (
        select n.${key} as key, json_build_object(${event}) as event from ${table} n ${where}
        order by n.${key} limit $1
      ) s on true order by s.key`,
    values: after === undefined ? [limit] : [limit, after],
  };
}

/** At most `limit` states of a noun above the key `after`, from one snapshot. */
export async function readChunk(primary: Reader, noun: Noun, after: string | undefined, limit: number): Promise<Chunk> {
  type Row = { key: string | null; event: JsonValue; as_of: Date };
  const { rows } = await primary.query<Row>(statementOf(noun, after, limit));
  const found = rows.filter((row) => row.key !== null);
  return {
    events: found.map(({ event }) => event),
    through: found.at(-1)?.key ?? undefined,
    last: found.length < limit,
    asOf: rows[0]!.as_of,
  };
}
