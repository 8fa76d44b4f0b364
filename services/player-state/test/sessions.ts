import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.ts';

/** What StartSession is asked for. */
export function session(playerId: string, { areaCode = '111', multiplayerMode = 'royale' } = {}) {
  return { playerId, sessionId: randomUUID() as string, areaCode, multiplayerMode };
}

/** What waits to be told of a player, in order: the times in microseconds. */
export async function toldOf(app: Pick<TestApp, 'rows'>, playerId: string) {
  const rows = await app.rows<{ event_name: string; at: string }>(
    'select event_name, micros(event_time) as at from session_events where player_id = $1 order by id',
    [playerId],
  );
  return rows.map(({ event_name: name, at }) => ({ name, at: BigInt(at) }));
}
