import type { Caller } from '@realmkeep/kit/auth/caller';
import type { PostgresNodes, Reader } from '@realmkeep/kit/postgres/nodes';
import type { PresenceCache } from '../cache/presence.ts';
import { refuse, toRefusal } from '../errors.ts';
import type { Heartbeats, KnownSession } from '../heartbeats.ts';
import { endSession, findSession, type NewSession, type SessionRow, startSession } from '../repository/sessions.ts';
import { encodePresence, missingPresence } from '../session.ts';

export type Sessions = ReturnType<typeof createSessions>;

/** What player-state does with sessions, in order. Ids of players and sessions are lower-case UUIDs. */
export function createSessions({
  postgres,
  heartbeats,
  presences,
  leaseMs,
}: {
  postgres: Pick<PostgresNodes, 'read' | 'write' | 'state'>;
  heartbeats: Heartbeats;
  presences: Pick<PresenceCache, 'get' | 'keep'>;
  leaseMs: number;
}) {
  function write<T>(work: (primary: Reader) => Promise<T>): Promise<T> {
    return postgres.write(work, { idempotent: true }).catch(refused);
  }

  function remember(row: SessionRow): KnownSession {
    const known = { playerId: row.player_id, ended: row.ended !== null };
    heartbeats.learn(row.session_id, known);
    return known;
  }

  /** From a replica, or from the primary when it is not there yet. */
  async function look(sessionId: string): Promise<KnownSession | undefined> {
    let row = await postgres.read((node) => findSession(node, sessionId));
    if (!row && postgres.state().writable) {
      row = await postgres.read((node) => findSession(node, sessionId), { primary: true });
    }
    return row && remember(row);
  }

  return {
    async startSession(session: NewSession): Promise<SessionRow> {
      const { row, endedId, asOf } = await write((primary) => startSession(primary, session, leaseMs));
      if (endedId !== null) heartbeats.ended(endedId);
      remember(row);
      await presences.keep(row, asOf);
      return row;
    },

    /**
     * Accepts the heartbeat of a live session, which is saved soon after. Whether it is live is judged by what this process
     * last saw of it: its last saving, or a read of the database when it knows nothing of it. Answers when the lease ends.
     */
    async heartbeat(caller: Caller, sessionId: string): Promise<Date> {
      const known = heartbeats.find(sessionId) ?? (await look(sessionId).catch(refused));
      if (!known || !isOwner(caller, known.playerId)) {
        throw refuse.SESSION_NOT_FOUND('the session does not exist', { session_id: sessionId });
      }
      if (known.ended)
        throw refuse.SESSION_ENDED('the session has ended; start another one', { session_id: sessionId });
      heartbeats.beat(sessionId);
      return new Date(Date.now() + leaseMs);
    },

    async endSession(caller: Caller, sessionId: string): Promise<SessionRow> {
      const { row, asOf } = await write((primary) => endSession(primary, sessionId, ownerOf(caller)));
      heartbeats.ended(sessionId);
      await presences.keep(row, asOf);
      return row;
    },

    /**
     * Whether the player is online, and where, as an encoded GetPlayerStateResponse with nothing else. Never fails: the
     * part says why it is missing.
     */
    async presence(playerId: string): Promise<Uint8Array> {
      try {
        return await presences.get(playerId);
      } catch {
        return encodePresence(missingPresence());
      }
    },
  };
}

/** Whose sessions alone the caller may touch; null: everybody's. */
function ownerOf({ role, subject }: Caller): string | null {
  return role === 'PLAYER' ? subject.toLowerCase() : null;
}

function isOwner(caller: Caller, playerId: string): boolean {
  const owner = ownerOf(caller);
  return owner === null || owner === playerId;
}

function refused(error: unknown): never {
  throw toRefusal(error);
}
