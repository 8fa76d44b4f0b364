import { commitBarrier } from '@realmkeep/kit/postgres/commit-barrier';
import type { Reader } from '@realmkeep/kit/postgres/nodes';

/** A session: times in microseconds as text. */
export type SessionRow = {
  session_id: string;
  player_id: string;
  area_code: string;
  multiplayer_mode: string;
  started: string;
  last_seen: string;
  lease: string;
  /** Null: it is live. */
  ended: string | null;
};

const COLUMNS = `s.session_id, s.player_id, s.area_code, s.multiplayer_mode, micros(s.started_at) as started,
  micros(s.last_seen_at) as last_seen, micros(s.lease_until) as lease, micros(s.ended_at) as ended`;

export type NewSession = { sessionId: string; playerId: string; areaCode: string; multiplayerMode: string };

/** Starts a session, or finds it; `endedId` is the one that had to end for it. A refusal is an error with SQLSTATE RK001. */
export async function startSession(
  primary: Reader,
  { sessionId, playerId, areaCode, multiplayerMode }: NewSession,
  leaseMs: number,
): Promise<{ row: SessionRow; endedId: string | null; asOf: Date }> {
  const { rows } = await primary.query<SessionRow & { ended_session_id: string | null; as_of: Date }>({
    name: 'start_session',
    text: `select ${COLUMNS}, f.ended_session_id, as_of() as as_of, ${commitBarrier}
      from start_session($1, $2, $3, $4, $5 * interval '1 millisecond') f, lateral (select (f.session).*) s`,
    values: [sessionId, playerId, areaCode, multiplayerMode, leaseMs],
  });
  const { ended_session_id: endedId, as_of: asOf, ...row } = rows[0]!;
  return { row, endedId, asOf };
}

/** Ends a session, of this owner when one is given. A refusal is an error with SQLSTATE RK001. */
export async function endSession(
  primary: Reader,
  sessionId: string,
  owner: string | null,
): Promise<{ row: SessionRow; asOf: Date }> {
  const { rows } = await primary.query<SessionRow & { as_of: Date }>({
    name: 'end_session',
    text: `select ${COLUMNS}, as_of() as as_of, ${commitBarrier} from end_session($1, $2) s`,
    values: [sessionId, owner],
  });
  const { as_of: asOf, ...row } = rows[0]!;
  return { row, asOf };
}

export async function findSession(node: Reader, sessionId: string): Promise<SessionRow | undefined> {
  const { rows } = await node.query<SessionRow>({
    name: 'find_session',
    text: `select ${COLUMNS} from sessions s where s.session_id = $1`,
    values: [sessionId],
  });
  return rows[0];
}

/** The last session of each of these players, and the time of the snapshot; who never had one is not there. */
export async function findLastSessions(node: Reader, playerIds: string[]): Promise<{ rows: SessionRow[]; asOf: Date }> {
  const { rows } = await node.query<SessionRow & { session_id: string | null; as_of: Date }>({
    name: 'last_sessions',
    text: `select l.*, as_of() as as_of from (select) one left join (
        select s.* from unnest($1::uuid[]) p (player_id), lateral (
          select ${COLUMNS} from sessions s where s.player_id = p.player_id order by s.started_at desc limit 1
        ) s
      ) l on true`,
    values: [playerIds],
  });
  return { rows: rows.filter(({ session_id: id }) => id !== null), asOf: rows[0]!.as_of };
}

/** Moves on the leases of sessions that were heard of so long ago; answers which of them are still live. */
export async function renewSessions(
  primary: Reader,
  heard: { sessionId: string; ageMs: number }[],
  leaseMs: number,
): Promise<string[]> {
  const { rows } = await primary.query<{ session_id: string }>({
    name: 'renew_sessions',
    text: "select session_id from renew_sessions($1, $2, $3 * interval '1 millisecond')",
    values: [heard.map(({ sessionId }) => sessionId), heard.map(({ ageMs }) => ageMs), leaseMs],
  });
  return rows.map((row) => row.session_id);
}

/** Ends at most `limit` sessions whose lease has run out; answers which. */
export async function sweepSessions(primary: Reader, limit: number): Promise<string[]> {
  const { rows } = await primary.query<{ session_id: string }>({
    name: 'sweep_sessions',
    text: 'select session_id from sweep_sessions($1)',
    values: [limit],
  });
  return rows.map((row) => row.session_id);
}

/** At most `limit` live sessions that began longer ago, of players with an id above `after`, by that id. */
export async function readLiveSessions(
  node: Reader,
  { after, limit, olderThanMs }: { after: string; limit: number; olderThanMs: number },
): Promise<{ player_id: string; area_code: string; multiplayer_mode: string }[]> {
  const { rows } = await node.query<{ player_id: string; area_code: string; multiplayer_mode: string }>({
    name: 'live_sessions',
    text: `select s.player_id, s.area_code, s.multiplayer_mode from sessions s
      where s.ended_at is null and s.player_id > $1::uuid and s.started_at < now() - $3 * interval '1 millisecond'
      order by s.player_id limit $2`,
    values: [after || '00000000-0000-0000-0000-000000000000', limit, olderThanMs],
  });
  return rows;
}

/** Deletes at most `limit` sessions that ended earlier, but no player's last one; answers how many. */
export async function trimSessions(primary: Reader, days: number, limit: number): Promise<number> {
  const { rows } = await primary.query<{ trimmed: number }>({
    name: 'trim_sessions',
    text: 'select trim_sessions(make_interval(days => $1), $2) as trimmed',
    values: [days, limit],
  });
  return rows[0]!.trimmed;
}
