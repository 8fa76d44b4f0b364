import type { Client } from '@realmkeep/kit/client/client';
import type { Logger } from '@realmkeep/kit/log/logger';
import type { PostgresNodes } from '@realmkeep/kit/postgres/nodes';
import type { AreaStatsService } from '@realmkeep/proto/realmkeep/area_stats/v1/area_stats_service';
import { readLiveSessions } from '../repository/sessions.ts';

/** So many presences of the longest names stay below the 4 MB that a message may have. */
const PAGE = 1_000;
const ANSWER_WITHIN_MS = 10_000;
const AGAIN_MS = 60_000;

export type Renewal = ReturnType<typeof createRenewal>;

/**
 * Tells area-stats of the sessions that go on for longer than `everyMs`, each once in that time: there a LOGIN counts for a
 * lease only. `everyMs` is to be much shorter than that lease, so that a while without area-stats does not matter.
 */
export function createRenewal({
  postgres,
  areaStats,
  everyMs,
  logger,
}: {
  postgres: Pick<PostgresNodes, 'read'>;
  areaStats: Pick<Client<typeof AreaStatsService>, 'renewPresence'>;
  everyMs: number;
  logger: Pick<Logger, 'warn'>;
}) {
  let dueAt = 0;
  let after = '';

  /** Where a round goes on after what was renewed; an empty text: it is over. */
  async function renewPage(signal: AbortSignal): Promise<string> {
    const sessions = await postgres.read((node) =>
      readLiveSessions(node, { after, limit: PAGE, olderThanMs: everyMs }),
    );
    if (sessions.length > 0) {
      const presences = sessions.map(({ area_code, multiplayer_mode, player_id }) => ({
        areaCode: area_code,
        multiplayerMode: multiplayer_mode,
        userId: player_id,
      }));
      await areaStats.renewPresence({ presences }, { signal, timeoutMs: ANSWER_WITHIN_MS });
    }
    return sessions.length < PAGE ? '' : sessions.at(-1)!.player_id;
  }

  return {
    /** Renews the next sessions, if it is time. What fails is tried again after a minute and holds nothing else up. */
    async step(signal: AbortSignal): Promise<void> {
      const now = performance.now();
      if (now < dueAt) return;
      try {
        after = await renewPage(signal);
        if (after === '') dueAt = now + everyMs;
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ err }, 'renewing presences is put off');
        dueAt = now + Math.min(AGAIN_MS, everyMs);
      }
    },
  };
}
