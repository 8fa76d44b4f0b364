/** What this process knows of a session. */
export type KnownSession = { playerId: string; ended: boolean };

/** A heartbeat, and when it came by `performance.now()`. */
export type HeardSession = { sessionId: string; at: number };

/** Heartbeats between their acceptance and their saving, and what is known of the sessions that they are of. */
export type Heartbeats = ReturnType<typeof createHeartbeats>;

/**
 * Gathers heartbeats: only the latest of a session is kept. What is known of a session is forgotten when nothing was heard
 * of it for as long as a lease, so the memory is bounded by the sessions that are heard of within one.
 */
export function createHeartbeats({ leaseMs }: { leaseMs: number }) {
  const known = new Map<string, KnownSession & { heardAt: number }>();
  const waiting = new Map<string, number>();

  return {
    find: (sessionId: string): KnownSession | undefined => known.get(sessionId),

    learn(sessionId: string, { playerId, ended }: KnownSession): void {
      // An end is for good: what was read before it says nothing.
      const over = ended || known.get(sessionId)?.ended === true;
      known.set(sessionId, { playerId, ended: over, heardAt: performance.now() });
    },

    /** The session has ended. */
    ended(sessionId: string): void {
      const entry = known.get(sessionId);
      if (entry) entry.ended = true;
      waiting.delete(sessionId);
    },

    /** Accepts a heartbeat of a session. */
    beat(sessionId: string): void {
      const now = performance.now();
      const entry = known.get(sessionId);
      if (entry) entry.heardAt = now;
      waiting.set(sessionId, now);
    },

    /** Takes at most `limit` of the heartbeats that wait to be saved. */
    take(limit: number): HeardSession[] {
      const taken: HeardSession[] = [];
      for (const [sessionId, at] of waiting) {
        if (taken.length === limit) break;
        taken.push({ sessionId, at });
        waiting.delete(sessionId);
      }
      return taken;
    },

    /** Gives back heartbeats that could not be saved; those that came meanwhile win. */
    putBack(taken: HeardSession[]): void {
      for (const { sessionId, at } of taken) if (!waiting.has(sessionId)) waiting.set(sessionId, at);
    },

    /** Forgets the sessions that nothing was heard of for as long as a lease. */
    forgetSilent(): void {
      const before = performance.now() - leaseMs;
      for (const [sessionId, { heardAt }] of known) {
        if (heardAt < before && !waiting.has(sessionId)) known.delete(sessionId);
      }
    },
  };
}
