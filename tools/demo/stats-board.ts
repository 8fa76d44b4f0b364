import { randomUUID } from 'node:crypto';
import type { Cast, Hero } from './cast.ts';
import type { Party } from './clients.ts';
import type { Narrator } from './narrator.ts';
import { failAfter, timed } from './timing.ts';

type Stats = { modes: { multiplayer_mode: string; current_count: string }[]; most_played_mode: string };

/** The area's logins, logouts and counts, as a game server sees them over REST. */
export type StatsBoard = {
  /** Reports that a player comes or goes. */
  report: (hero: Hero, name: 'LOGIN' | 'LOGOUT') => Promise<void>;
  /** Reads the area's counts until they say `count`: an answer may be as old as the service's time to live. */
  untilCount: (count: number) => Promise<void>;
};

export function createStatsBoard({
  cast,
  server,
  narrator,
}: {
  cast: Cast;
  server: Party;
  narrator: Narrator;
}): StatsBoard {
  return {
    report: async (hero, name) => {
      const sent = await timed(() =>
        server.rest.post<{ outcome: { result: string } }>('/events', {
          event_id: randomUUID(),
          area_code: cast.area,
          multiplayer_mode: cast.mode,
          user_id: hero.playerId,
          event_name: name,
        }),
      );
      narrator.heard(`POST /events ${name}`, `${hero.name}: ${sent.it.outcome.result}`, sent.ms);
    },
    untilCount: async (count) => {
      const begin = performance.now();
      for (;;) {
        const stats = await timed(() => server.rest.get<Stats>(`/stats?area_code=${cast.area}`));
        const playing = stats.it.modes.find((mode) => mode.multiplayer_mode === cast.mode)?.current_count ?? '0';
        if (playing === String(count)) {
          const words = `${playing} play ${cast.mode}, most played: ${stats.it.most_played_mode || 'nothing'}`;
          narrator.heard(`GET /stats?area_code=${cast.area}`, words, stats.ms);
          return;
        }
        failAfter(begin, 40_000, `the area's count did not become ${count}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}
